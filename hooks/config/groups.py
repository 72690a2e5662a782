"""Groups in a hook's data: the jobs inside them, and what the groups hand on to these.

Pure: plain data in, plain data out. A group is a job with `group` in the place of a command. Its
jobs become jobs of the hook: what the group says about environment, folder, tags and conditions is
laid under what each of them says itself, and where both restrict, both must allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bough.hooks.conditions import canonical_architecture
from bough.hooks.config.nodes import Loc

Body = Mapping[str, Any]

HANDED_ON = frozenset(
    {"root", "env", "needs", "tags", "skip", "only", "os", "arch", "background", "files"}
)
"""What the jobs of a group get from it."""

FILTERS = frozenset({"glob", "exclude", "file_types"})
"""What narrows a list of files; every level by itself."""

OF_A_GROUP = HANDED_ON | FILTERS | {"name", "description", "group"}
"""The keys that mean something beside `group`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job or a group as it is written: `way` leads to it from the hook, `groups` surround it."""

    way: Loc
    body: Body
    groups: tuple[Entry, ...]

    @property
    def is_group(self) -> bool:
        return "group" in self.body

    @property
    def effective(self) -> dict[str, Any]:
        """The job's keys with what its groups hand on."""
        merged: dict[str, Any] = {}
        for group in self.groups:
            given = {key: value for key, value in group.body.items() if key in HANDED_ON}
            merged = _under(merged, given)
        return _under(merged, self.body)


def entries(hook: Body) -> tuple[Entry, ...]:
    """Every job and every group of a hook, in declared order, a group before what is in it."""
    return tuple(_entries(hook.get("jobs", ()), ("jobs",), ()))


def alone(job: Body) -> tuple[Entry, ...]:
    """The same of a task that is one job (or one group)."""
    return tuple(_with_members(Entry(way=(), body=job, groups=())))


def jobs_of(found: Sequence[Entry]) -> tuple[Entry, ...]:
    """The jobs among `found`."""
    return tuple(entry for entry in found if not entry.is_group)


def _entries(bodies: Sequence[Body], way: Loc, groups: tuple[Entry, ...]) -> Iterator[Entry]:
    for index, body in enumerate(bodies):
        yield from _with_members(Entry(way=(*way, index), body=body, groups=groups))


def _with_members(entry: Entry) -> Iterator[Entry]:
    yield entry
    if entry.is_group:
        inside = (*entry.way, "group", "jobs")
        members = entry.body["group"].get("jobs", ())
        yield from _entries(members, inside, (*entry.groups, entry))


def _under(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """`inner` laid over what a group around it says."""
    merged = {**outer, **inner}
    for key in outer.keys() & inner.keys():
        match key:
            case "env":
                merged[key] = {**outer[key], **inner[key]}
            case "root":
                merged[key] = f"{outer[key]}/{inner[key]}"
            case "os" | "arch":
                merged[key] = allowed_by_both(outer[key], inner[key])
            case "needs" | "tags" | "skip" | "only":
                merged[key] = [*outer[key], *inner[key]]
    return merged


def allowed_by_both(outer: Sequence[str], inner: Sequence[str]) -> list[str]:
    """The systems (or architectures) that two lists have in common, as the inner one calls them."""
    wanted = {canonical_architecture(name) for name in outer}
    return [name for name in inner if canonical_architecture(name) in wanted]
