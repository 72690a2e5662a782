"""The merged configuration as text, if wanted with the place in a file that each value came from.

What is written is itself a valid `bough.yml` that means the same, without `extends`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from bough.hooks.config.load import find_sources
from bough.hooks.config.nodes import Loc
from bough.hooks.config.reading import Reading
from bough.hooks.config.sources import Reader
from bough.hooks.errors import shown

Origin = Callable[[Loc], str]
"""From a way in the merged data to `file:line:column`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """The merged data of a configuration, and where each value was last set."""

    data: dict[str, Any]
    origin: Origin


def trace(reader: Reader) -> Traced | None:
    """Read a configuration the full way, keeping where values come from; None if there is none.

    ConfigError as from `load`.
    """
    found = find_sources(reader)
    sources = [source for source in (found.main, found.local) if source is not None]
    if not sources:
        return None
    reading = Reading(reader=reader)
    for source in sources:
        reading.add(source)
    reading.finish()
    return Traced(data=reading.merged.data, origin=lambda way: _told(*reading.merged.origin(way)))


def as_yaml(data: dict[str, Any], origin: Origin | None = None) -> str:
    """The data as YAML; with `origin`, each value is followed by a comment that says its place."""
    return "".join(f"{line}\n" for line in _lines(data, (), "", origin)) or "{}\n"


def as_json(data: dict[str, Any], origin: Origin | None = None) -> str:
    """The data as JSON; with `origin`, as `{"config": …, "sources": {JSON pointer: place}}`."""
    if origin is None:
        return json.dumps(data, indent=2) + "\n"
    sources = {_pointer(way): origin(way) for way in _ends(data, ())}
    return json.dumps({"config": data, "sources": sources}, indent=2) + "\n"


def _told(path: str, line: int, column: int) -> str:
    return f"{shown(path)}:{line}:{column}"


def _children(value: object) -> list[tuple[str | int, object]]:
    """What is inside a mapping or a list; an empty one is a value like any other."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _ends(value: object, way: Loc) -> Iterator[Loc]:
    """The ways to all values that hold no others."""
    inside = _children(value)
    if not inside and way:
        yield way
    for part, child in inside:
        yield from _ends(child, (*way, part))


def _pointer(way: Loc) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in way)


def _lines(value: object, way: Loc, indent: str, origin: Origin | None) -> Iterator[str]:
    for part, child in _children(value):
        here = (*way, part)
        head = f"{indent}- " if isinstance(part, int) else f"{indent}{_scalar(part)}:"
        below = f"{indent}  "
        if not _children(child):
            gap = "" if isinstance(part, int) else " "
            comment = f"  # {origin(here)}" if origin else ""
            yield f"{head}{gap}{_scalar(child)}{comment}"
        elif isinstance(part, int):
            first, *rest = _lines(child, here, below, origin)
            yield f"{head}{first.removeprefix(below)}"
            yield from rest
        else:
            yield head
            yield from _lines(child, here, below, origin)


def _scalar(value: object) -> str:
    """One value on one line: line breaks are written as \\n, because a comment may follow."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text = yaml.safe_dump(value, width=10**9, allow_unicode=style is None, default_style=style)
    return str(text).removesuffix("\n").removesuffix("\n...")
