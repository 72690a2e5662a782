"""What a firing reports while it goes on; the command line turns it into what a person sees.

Pure: frozen values. Nothing below the command line prints; it calls its observer with one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bough.coordinator.model import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """All rows are written; nothing has run yet."""

    event: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A foreground job waits for a lock; its reason says who is in the way."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A foreground job runs."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A foreground job printed a line (`kind` is stdout or stderr), already masked."""

    job: Job
    kind: str
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A foreground job reached a terminal status; `retrying` when another attempt follows."""

    job: Job
    retrying: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something a person should know; `hint` is what to type about it."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """An event was planned; `unmatched` are the skip selectors that meant nothing in it."""

    unmatched: frozenset[str]


Happening = Selected | Waiting | Planned | Started | Printed | Ended | Noted
Observer = Callable[[Happening], None]
