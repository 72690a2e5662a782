"""YAML bytes to a tree with positions: strict, bounded, and free of YAML 1.1's surprises.

Built from the parser's events, without recursion and without PyYAML's constructors, so that no
input can run out of stack, expand without bound, or make anything but dicts, lists and plain
scalars. Only `true` and `false` (any case) are booleans; `on`, `yes`, dates, `010` and `0x1f` are
text. What stops the parser is a ConfigError; what it can get past is collected beside the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from bough.hooks.config.nodes import Key, Mapping, Node, Scalar, Sequence
from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError, Problem, shown

MAX_NODES = 20_000
MAX_DEPTH = 50

LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,17}\.[0-9]{0,17}|\.[0-9]{1,17})(?:[eE][-+]?[0-9]{1,2})?")
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML forbids in a file, and a byte order mark that is not at the beginning."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "<<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's tree (None: it is empty), and what is wrong but did not stop the parser."""

    path: str
    root: Node | None
    problems: tuple[Problem, ...]


def parse(path: str, data: bytes) -> Document:
    """The document in `data`. ConfigError, with positions in `path`, if it cannot be read."""
    text = _decoded(path, data)
    builder = _Builder(path=path)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = shown(" ".join(filter(None, (error.context, error.problem))))
        if mark and text[mark.index : mark.index + 1] == "\t":
            what += "; indent with spaces, not with tabs"
        raise _error(path, line, column, f"not valid YAML: {what}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The pure loader lets chr() speak for itself about an escape like "\UFFFFFFFF".
        message = f"not valid YAML: {shown(str(error))}"
        raise _error(path, builder.line, builder.column, message) from None
    return Document(path=path, root=builder.root, problems=tuple(builder.problems))


def _events(text: str) -> Iterator[yaml.Event]:
    loader = LOADER(text)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    finally:
        loader.dispose()


def _decoded(path: str, data: bytes) -> str:
    if len(data) > MAX_FILE_BYTES:
        raise _error(path, 1, 1, f"the file is larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(data[: error.start].decode("utf-8"))
        message = f"not UTF-8: the byte 0x{data[error.start]:02x}"
        raise _error(path, line, column, message) from None
    if unprintable := _UNPRINTABLE.search(text):
        line, column = _line_and_column(text[: unprintable.start()])
        raise _error(path, line, column, f"a control character: {shown(unprintable[0])}")
    return text


def _line_and_column(before: str) -> tuple[int, int]:
    """The position right after `before`."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _error(path: str, line: int, column: int, message: str) -> ConfigError:
    return ConfigError([Problem(path=path, line=line, column=column, message=message)])


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection whose end has not come yet; in a mapping keys and values alternate."""

    line: int
    column: int
    anchor: str | None
    mapping: bool
    children: list[Node] = field(default_factory=list)
    plain: set[int] = field(default_factory=set)
    """Which children are scalars without quotes: only these can be merge keys."""


@dataclass(slots=True, kw_only=True)
class _Builder:
    path: str
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    line: int = 1
    column: int = 1
    documents: int = 0
    made: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
            self.column = event.start_mark.column + 1
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self.fail("a second document begins here; a file holds one")
            case yaml.ScalarEvent():
                self.scalar(event)
            case yaml.AliasEvent():
                self.alias(event.anchor)
            case yaml.CollectionStartEvent():
                self.open(event)
            case yaml.CollectionEndEvent():
                self.close()

    def scalar(self, event: yaml.ScalarEvent) -> None:
        self.refuse_tag(event.tag)
        text: str = event.value
        if "\0" in text:
            self.note("a NUL character cannot be used in any text")
        if _SURROGATE.search(text):
            self.note("half a surrogate pair is no character")
        plain = bool(event.implicit[0])
        value = _resolved(text) if plain else text
        node = Scalar(line=self.line, column=self.column, value=value, text=text)
        self.add(node, event.anchor, plain=plain)

    def open(self, event: yaml.CollectionStartEvent) -> None:
        self.refuse_tag(event.tag)
        if len(self.stack) >= MAX_DEPTH:
            self.fail(f"nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(
            _Open(line=self.line, column=self.column, anchor=event.anchor, mapping=mapping)
        )

    def close(self) -> None:
        frame = self.stack.pop()
        node = self.mapping(frame) if frame.mapping else _sequence(frame)
        if node.size > MAX_NODES:
            self.fail(f"more than {MAX_NODES} values, aliases counted as often as they are used")
        self.add(node, frame.anchor)

    def alias(self, anchor: str | None) -> None:
        anchor = anchor or ""
        node = self.anchors.get(anchor)
        if node is not None:
            self.add(node)
        elif any(frame.anchor == anchor for frame in self.stack):
            self.fail(f"`*{shown(anchor)}` stands inside what it refers to")
        else:
            self.fail(f"`*{shown(anchor)}` refers to no anchor before it")

    def add(self, node: Node, anchor: str | None = None, *, plain: bool = False) -> None:
        self.made += 1
        if self.made > MAX_NODES:
            self.fail(f"more than {MAX_NODES} values")
        if len(self.stack) + node.height > MAX_DEPTH + 1:
            self.fail(f"nested more than {MAX_DEPTH} deep")
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = None if isinstance(node, Scalar) and node.value is None else node
            return
        frame = self.stack[-1]
        if plain:
            frame.plain.add(len(frame.children))
        frame.children.append(node)

    def mapping(self, frame: _Open) -> Mapping:
        own: dict[str, tuple[Key, Node]] = {}
        merged: dict[str, tuple[Key, Node]] | None = None
        for index in range(0, len(frame.children), 2):
            key, value = frame.children[index], frame.children[index + 1]
            if not isinstance(key, Scalar):
                self.note("a key must be plain text", at=key)
            elif key.text == _MERGE and index in frame.plain and merged is None:
                merged = self.merged(value)
            elif key.text in own:
                first = own[key.text][0]
                where = f"line {first.line}, column {first.column}"
                self.note(f"`{shown(key.text)}` is here twice; the first is at {where}", at=key)
            else:
                own[key.text] = (Key(text=key.text, line=key.line, column=key.column), value)
        entries = (merged or {}) | own
        nodes = [node for _, node in entries.values()]
        return Mapping(
            line=frame.line,
            column=frame.column,
            entries=entries,
            size=1 + len(entries) + sum(node.size for node in nodes),
            height=1 + max((node.height for node in nodes), default=0),
        )

    def merged(self, value: Node) -> dict[str, tuple[Key, Node]]:
        """What a merge key brings in; of several mappings the first that has a key wins."""
        entries: dict[str, tuple[Key, Node]] = {}
        for node in reversed(value.items if isinstance(value, Sequence) else (value,)):
            if isinstance(node, Mapping):
                entries |= node.entries
            else:
                self.note("`<<` takes a mapping or a list of mappings", at=node)
        return entries

    def refuse_tag(self, tag: str | None) -> None:
        if tag is not None:
            self.note(f"tags are not used here: `{shown(tag)}`")

    def note(self, message: str, *, at: Node | None = None) -> None:
        line, column = (at.line, at.column) if at else (self.line, self.column)
        self.problems.append(Problem(path=self.path, line=line, column=column, message=message))

    def fail(self, message: str) -> NoReturn:
        raise ConfigError(
            [
                *self.problems,
                Problem(path=self.path, line=self.line, column=self.column, message=message),
            ]
        )


def _sequence(frame: _Open) -> Sequence:
    return Sequence(
        line=frame.line,
        column=frame.column,
        items=tuple(frame.children),
        size=1 + sum(node.size for node in frame.children),
        height=1 + max((node.height for node in frame.children), default=0),
    )


def _resolved(text: str) -> str | int | float | bool | None:
    """What a scalar without quotes means."""
    if text in _NULLS:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
