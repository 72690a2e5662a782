"""Lays files over each other: later ones win, and every value remembers the file it came from.

Pure: plain data in, plain data and origins out. Scalars: later wins. Lists replace. Mappings merge.
Jobs merge key by key with the earlier job of their name in the same hook or group; jobs without a
name are appended, and so are new names. A mode replaces the mode that an earlier file chose,
and what a job runs replaces what it ran before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bough.hooks.config.nodes import Loc, Node, place
from bough.hooks.errors import Problem

MODES = ("parallel", "sequential", "piped")
_SECTIONS = ("hooks", "tasks")
_KINDS = frozenset({"run", "script", "group"})
_OF_A_SCRIPT = frozenset({"runner", "args"})
_OF_THE_FILE = ("min_version", "extends")
"""Keys that have had their effect when the file was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One file's checked data. `damaged`: ways to what was wrong and is left out."""

    path: str
    local: bool
    root: Node
    data: dict[str, Any]
    damaged: frozenset[Loc]


@dataclass(slots=True, kw_only=True)
class Merged:
    """The result, growing layer by layer; `merge` is done with it when it gives it out.

    `origins` leads from a way in `data` to the layer, and the way there, that it was last set by.
    """

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Loc, tuple[Layer, Loc]] = field(default_factory=dict)
    damaged_jobs: set[Loc] = field(default_factory=set)
    """Jobs that a file says more about than could be used."""
    lost_jobs: set[Loc] = field(default_factory=set)
    """Hooks with jobs, or names of jobs, that could not be used."""
    tracked: set[Loc] = field(default_factory=set)
    """Hooks and tasks that a file declares which is not the user's own."""

    def origin(self, way: Loc) -> tuple[str, int, int]:
        """The file, line and column of the last definition of what `way` leads to."""
        known = next(n for n in range(len(way), -1, -1) if way[:n] in self.origins)
        layer, there = self.origins[way[:known]]
        return (layer.path, *place(layer.root, (*there, *way[known:])))

    def problem(self, way: Loc, message: str) -> Problem:
        """A problem at the last definition of what `way` leads to."""
        path, line, column = self.origin(way)
        return Problem(path=path, line=line, column=column, message=message)


def merge(layers: Sequence[Layer]) -> Merged:
    """All `layers` in one, low precedence first."""
    merged = Merged()
    for layer in layers:
        plain = {k: v for k, v in layer.data.items() if k not in (*_SECTIONS, *_OF_THE_FILE)}
        _overlay(merged, merged.data, plain, (), (), layer)
        for section in _SECTIONS:
            declared = merged.data.setdefault(section, {}) if section in layer.data else {}
            for name, body in layer.data.get(section, {}).items():
                _overlay_hook(merged, declared.setdefault(name, {}), body, (section, name), layer)
        _record_damage(merged, layer)
    return merged


def _overlay_hook(
    merged: Merged, target: dict[str, Any], body: dict[str, Any], way: Loc, layer: Layer
) -> None:
    if not layer.local:
        merged.tracked.add(way)
    _overlay_body(merged, target, body, way, way, layer)


def _overlay_body(
    merged: Merged,
    target: dict[str, Any],
    body: dict[str, Any],
    way: Loc,
    there: Loc,
    layer: Layer,
) -> None:
    """Lay a hook over a hook, a job over a job, a group over a group."""
    if not _KINDS.isdisjoint(body):
        for key in (_KINDS | _OF_A_SCRIPT) - body.keys():
            target.pop(key, None)
    if any(body.get(mode) for mode in MODES):
        for mode in MODES:
            target.pop(mode, None)
    plain = {key: value for key, value in body.items() if key not in ("jobs", "group")}
    _overlay(merged, target, plain, way, there, layer)
    if "jobs" in body:
        jobs = target.setdefault("jobs", [])
        _overlay_jobs(merged, jobs, body["jobs"], (*way, "jobs"), (*there, "jobs"), layer)
    if "group" in body:
        group = target.setdefault("group", {})
        _overlay_body(merged, group, body["group"], (*way, "group"), (*there, "group"), layer)


def _overlay_jobs(
    merged: Merged,
    target: list[dict[str, Any]],
    jobs: list[dict[str, Any]],
    way: Loc,
    source: Loc,
    layer: Layer,
) -> None:
    merged.origins[way] = (layer, source)
    known = {job["name"]: index for index, job in enumerate(target) if "name" in job}
    for index, job in enumerate(jobs):
        number = known.get(job.get("name", ""), len(target))
        if number == len(target):
            target.append({})
        at, here = (*way, number), (*source, index)
        _overlay_body(merged, target[number], job, at, here, layer)
        if any(damaged[: len(here)] == here for damaged in layer.damaged):
            merged.damaged_jobs.add(at)


def _record_damage(merged: Merged, layer: Layer) -> None:
    for damaged in layer.damaged:
        way, rest = damaged[:2], damaged[2:]
        if len(rest) == 1:
            merged.damaged_jobs.add(way)
        if not rest or rest[-1] in ("jobs", "name", "group"):
            merged.lost_jobs.add(way)


def _overlay(
    merged: Merged,
    target: dict[str, Any],
    values: dict[str, Any],
    way: Loc,
    there: Loc,
    layer: Layer,
) -> None:
    """Lay one mapping over another, mappings inside them too."""
    merged.origins[way] = (layer, there)
    for key, value in values.items():
        at, source = (*way, key), (*there, key)
        if isinstance(value, dict):
            # A mapping of our own: a later layer must not reach into this layer's.
            inside = target.get(key)
            target[key] = inside if isinstance(inside, dict) else {}
            _overlay(merged, target[key], value, at, source, layer)
        else:
            if isinstance(target.get(key), dict):
                _forget_inside(merged, at)
            merged.origins[at] = (layer, source)
            target[key] = value


def _forget_inside(merged: Merged, way: Loc) -> None:
    for known in [known for known in merged.origins if known[: len(way)] == way]:
        del merged.origins[known]
