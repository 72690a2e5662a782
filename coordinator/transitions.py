"""Which status may follow which: the one table of the job's life.

Pure: a table, its lookups, and what a change makes of a row. Terminal statuses have no successors;
a retry is a new row.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from bough.coordinator.model import Change, Job, Status

TRANSITIONS = MappingProxyType(
    {
        Status.QUEUED: frozenset(
            {
                Status.STARTING,  # claimed by the coordinator
                Status.RUNNING,  # a foreground job: forked by its command, still behind its gate
                Status.SKIPPED,
                Status.CANCELLED,
                Status.FAILED,  # it could not even be forked
                Status.CRASHED,  # its coordinators kept dying over it
            }
        ),
        Status.STARTING: frozenset(
            {
                Status.RUNNING,
                Status.QUEUED,  # the gate never opened: nothing ran
                Status.CANCELLING,
                Status.CANCELLED,
                Status.FAILED,
                Status.SUCCEEDED,  # it ran, but a power failure took the commit of its identity
                Status.TIMED_OUT,
                Status.CRASHED,
            }
        ),
        Status.RUNNING: frozenset(
            {
                Status.QUEUED,  # identity committed, but the gate never opened: nothing ran
                Status.CANCELLING,
                Status.SUCCEEDED,
                Status.FAILED,
                Status.TIMED_OUT,
                Status.CANCELLED,
                Status.CRASHED,
            }
        ),
        Status.CANCELLING: frozenset({Status.CANCELLED, Status.CRASHED}),
        Status.SUCCEEDED: frozenset(),
        Status.FAILED: frozenset(),
        Status.TIMED_OUT: frozenset(),
        Status.CANCELLED: frozenset(),
        Status.SKIPPED: frozenset(),
        Status.CRASHED: frozenset(),
    }
)

_FACTS = (
    "skip_class",
    "process",
    "pgid",
    "exit_code",
    "signal",
    "started_at",
    "finished_at",
    "log_bytes",
    "log_lines",
)
"""The fields of a change that a row takes over when they are known."""


def allowed(current: Status, to: Status) -> bool:
    """Whether a row in `current` may be moved to `to`."""
    return to in TRANSITIONS[current]


def changed(job: Job, change: Change) -> Job:
    """The row as the change leaves it, for those who show or use one that is not stored."""
    facts = {name: value for name in _FACTS if (value := getattr(change, name)) is not None}
    return replace(job, status=change.to, reason=change.reason or job.reason, **facts)
