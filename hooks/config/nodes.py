"""The tree of a YAML file: scalars, sequences, mappings, each with its place in the file.

Pure: frozen values and walks over them. Lines and columns count from 1. Aliases are expanded: an
aliased node stands in several places and keeps the position of its anchor. `size` and `height`
count what the node expands to, so that bounds hold without expanding anything.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass

Loc = tuple[str | int, ...]
"""A way down a tree: keys and indexes."""

KEY = "[key]"
"""As the last part of a way: the key itself, not its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One plain value: text, a whole number, a number, true or false, or nothing (None).

    `text` is what was written: `1.10` stays `1.10` where text is wanted.
    """

    line: int
    column: int
    value: str | int | float | bool | None
    text: str

    size = 1
    height = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    line: int
    column: int
    items: tuple[Node, ...]
    size: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A mapping's key as text, and where it stands."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping; merge keys (`<<`) are resolved. `entries`: from the key's text to both."""

    line: int
    column: int
    entries: MappingType[str, tuple[Key, Node]]
    size: int
    height: int


Node = Scalar | Sequence | Mapping


def to_plain(node: Node) -> object:
    """`node` as dicts, lists and text. A scalar that is not text stays a `Scalar`.

    The schema decides what such a scalar means: `1.10` is a number or the text of a version.
    """
    match node:
        case Mapping():
            return {key: to_plain(value) for key, (_, value) in node.entries.items()}
        case Sequence():
            return [to_plain(item) for item in node.items]
        case Scalar():
            return node.value if isinstance(node.value, str) else node


def place(root: Node, way: Loc) -> tuple[int, int]:
    """The line and column of what is at the end of `way`.

    Parts that lead nowhere are passed over: what is missing is reported where it should be.
    """
    node = root
    spot = (root.line, root.column)
    for number, part in enumerate(way):
        if isinstance(node, Mapping) and part in node.entries:
            key, node = node.entries[str(part)]
            only_key = way[number + 1 :] == (KEY,)
            spot = (key.line, key.column) if only_key else (node.line, node.column)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            spot = (node.line, node.column)
    return spot
