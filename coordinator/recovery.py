"""What a row that is not terminal really is, judged from what its job left on disk.

Pure: a function from evidence to a verdict. The coordinator asks it at its start, whenever a job's
lock becomes free, and readers ask it for rows that nobody looks after.

The evidence decides after a kill at any point of the claim protocol: the lock is held exactly while
a supervisor exists; a `started` record is on disk before the command can have any effect; exit.json
appears in one step when the end is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bough.coordinator.model import Change, Job, Owner, Status
from bough.coordinator.transitions import changed


class Ruling(StrEnum):
    """What is to be done about a row."""

    LEAVE = "leave"
    """A supervisor lives: wait for its lock."""
    MOVE = "move"
    """Nothing is left of it: apply the change."""
    STOP_AND_MOVE = "stop_and_move"
    """Its supervisor was killed: end the group first, then apply the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the job's folder says: is its lock held, did it start, how did it end."""

    lock_held: bool
    started: bool
    outcome: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    ruling: Ruling
    change: Change | None = None


def judge(status: Status, evidence: Evidence, *, by: str) -> Verdict:
    """The truth about a background row in `starting`, `running` or `cancelling`."""
    if evidence.lock_held:
        return Verdict(ruling=Ruling.LEAVE)
    outcome = evidence.outcome
    if outcome is not None and outcome["status"] != "not_started":
        return Verdict(ruling=Ruling.MOVE, change=concluded(status, outcome, by=by))
    if evidence.started:
        # TERM goes to groups, never to supervisors: this one was killed.
        change = Change(to=Status.CRASHED, by=by, reason="its supervisor was killed")
        return Verdict(ruling=Ruling.STOP_AND_MOVE, change=change)
    if status is Status.CANCELLING:
        change = Change(to=Status.CANCELLED, by=by, reason="cancelled before it started")
    else:
        change = Change(to=Status.QUEUED, by=by, reason="its start was interrupted")
    return Verdict(ruling=Ruling.MOVE, change=change)


def derived(job: Job, *, owner_alive: bool, evidence: Evidence | None) -> Job:
    """The row as a reader may show it before anybody has mended it.

    A foreground row is cancelled when its command has died; a background row is what `judge` says.
    `evidence` is that of a background row with a process, None for others.
    """
    if job.status.terminal:
        return job
    if job.owner is Owner.FOREGROUND:
        if owner_alive:
            return job
        return changed(job, Change(to=Status.CANCELLED, by="reader", reason="command died"))
    if evidence is None:
        return job
    change = judge(job.status, evidence, by="reader").change
    return job if change is None else changed(job, change)


def concluded(status: Status, outcome: Mapping[str, Any], *, by: str) -> Change:
    """The change that an attempt's outcome (of `Execution` or exit.json) means for its row."""
    to = _row_status(status, outcome)
    return Change(
        to=to,
        by=by,
        reason="" if to is Status.CANCELLED else outcome.get("reason", ""),
        exit_code=outcome.get("exit_code"),
        signal=outcome.get("signal"),
        finished_at=outcome.get("finished_at"),
        log_bytes=outcome.get("log_bytes"),
        log_lines=outcome.get("log_lines"),
    )


def _row_status(status: Status, outcome: Mapping[str, Any]) -> Status:
    if status is Status.CANCELLING or outcome["status"] == "cancelled":
        return Status.CANCELLED
    if outcome["status"] == "timed_out":
        return Status.TIMED_OUT
    if outcome["status"] == "finished" and outcome.get("exit_code") == 0:
        return Status.SUCCEEDED
    return Status.FAILED
