"""From YAML nodes to Python values, each problem with its place: `file:line:column: what`.

A reader is a function from a node to a value that raises `Malformed`. Readers are combined from
those that stand here, so that no key is ever taken without a check.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

T = TypeVar("T")
Reader = Callable[[Node], T]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class Malformed(Exception):
    """A scenario file says something that means nothing; the message begins with its place."""


def parse(path: Path) -> Node:
    """The root node of the one document in the file."""
    try:
        with path.open(encoding="utf-8") as stream:
            node: Node | None = yaml.compose(stream, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise Malformed(f"{place}: {error.problem}") from error
    if node is None:
        raise Malformed(f"{path}:1:1: the file is empty")
    return node


def fail(node: Node, message: str) -> NoReturn:
    mark = node.start_mark
    raise Malformed(f"{mark.name}:{mark.line + 1}:{mark.column + 1}: {message}")


def text(node: Node) -> str:
    """Any scalar but null, as it is written."""
    if not isinstance(node, ScalarNode) or node.tag.endswith(":null"):
        fail(node, "expected a text")
    return str(node.value)


def integer(node: Node) -> int:
    if not isinstance(node, ScalarNode) or not node.tag.endswith(":int"):
        fail(node, "expected a whole number")
    return int(node.value)


def boolean(node: Node) -> bool:
    if not isinstance(node, ScalarNode) or node.value not in {"true", "false"}:
        fail(node, "expected true or false")
    return bool(node.value == "true")


def duration(node: Node) -> float:
    """`200ms`, `5s`, `2m`, `1h` or `8d`, as seconds."""
    match = _DURATION.fullmatch(text(node))
    if match is None:
        fail(node, "expected a duration such as 200ms, 5s or 8d")
    return float(match[1]) * _UNITS[match[2]]


def plain(node: Node) -> Any:
    """Whatever stands there, as plain YAML data."""
    return yaml.safe_load(yaml.serialize(node))


def one_of(*values: str) -> Reader[str]:
    def read(node: Node) -> str:
        value = text(node)
        if value not in values:
            fail(node, f"expected one of {', '.join(values)}{suggestion(value, values)}")
        return value

    return read


def listed(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    def read(node: Node) -> tuple[T, ...]:
        if not isinstance(node, SequenceNode):
            fail(node, "expected a list")
        return tuple(reader(item) for item in node.value)

    return read


def one_or_more(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """A list, or a single value that stands for a list of one."""

    def read(node: Node) -> tuple[T, ...]:
        return listed(reader)(node) if isinstance(node, SequenceNode) else (reader(node),)

    return read


def mapped(reader: Reader[T]) -> Reader[dict[str, T]]:
    """A mapping with free keys, such as file names."""

    def read(node: Node) -> dict[str, T]:
        return {key: reader(value) for key, (_, value) in entries(node).items()}

    return read


def fields(node: Node, readers: Mapping[str, Reader[Any]]) -> dict[str, Any]:
    """A mapping with known keys; each value by the reader of its key."""
    found = {}
    for key, (key_node, value) in entries(node).items():
        if key not in readers:
            fail(key_node, f"unknown key {key!r}{suggestion(key, readers)}")
        found[key] = readers[key](value)
    return found


def entries(node: Node) -> dict[str, tuple[Node, Node]]:
    """The entries of a mapping: the node of each key, and of its value."""
    if not isinstance(node, MappingNode):
        fail(node, "expected a mapping")
    found: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        name = text(key)
        if name in found:
            fail(key, f"{name!r} stands here twice")
        found[name] = (key, value)
    return found


def suggestion(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """` (did you mean 'x'?)`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
