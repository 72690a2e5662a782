"""Stop jobs from outside, whoever owns them, and know that they have stopped.

`cancelling` is set by a guarded update first, so that everybody sees the intent; then the owner is
asked. The row ends when the group is confirmed dead. A foreground job has no socket to ask its
owner through, so its group is ended here, and its command records the end.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable

from bough.coordinator import handoff, jobfolder, processes, spawn
from bough.coordinator.errors import CoordinatorError, StaleJob
from bough.coordinator.model import Change, Job, Owner, Status
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import jobs as rows

BY = "client"
_POLL_S = 0.03
_BEYOND_GRACE_S = 15.0


class KillFailed(CoordinatorError):
    """A job's processes did not die, or nobody recorded their end, in time."""

    code = "KILL_FAILED"


def cancel(
    places: StatePlaces, connection: sqlite3.Connection, targets: Iterable[Job]
) -> tuple[Job, ...]:
    """Cancel these jobs and return their final rows; those that had ended already are unchanged.

    Raises KillFailed when one of them has not ended well after its grace.
    """
    marked = tuple(_mark(connection, job) for job in targets)
    try:
        if any(job.owner is Owner.BACKGROUND for job in marked):
            spawn.wake(places)
    finally:
        # Also with a coordinator that does not answer.
        _end_foreground(places, connection, marked)
    return _ended(connection, marked)


def _end_foreground(
    places: StatePlaces, connection: sqlite3.Connection, marked: Iterable[Job]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    jobs = [j for j in marked if j.status is Status.CANCELLING and j.owner is Owner.FOREGROUND]
    with ThreadPoolExecutor(max(1, len(jobs))) as threads:
        # Side by side: each may take its grace.
        for _ in threads.map(lambda job: _stop_group(places, job), jobs):
            pass
    for job in jobs:
        _record_end(connection, job)


def _mark(connection: sqlite3.Connection, job: Job) -> Job:
    """Record the intent on the row as it is now; reload while others move it."""
    while not job.status.terminal and job.status is not Status.CANCELLING:
        to = Status.CANCELLED if job.status is Status.QUEUED else Status.CANCELLING
        try:
            job = rows.move(connection, job, Change(to=to, by=BY, reason="cancelled"))
        except StaleJob:
            now = rows.reload(connection, job)
            if now is None:
                break
            job = now
    if job.status.terminal:
        handoff.settle(connection, job)
    return job


def _stop_group(places: StatePlaces, job: Job) -> None:
    jobfolder.request_cancel(os.path.dirname(places.absolute(job.log_path)))
    if job.process is not None and job.pgid is not None:
        processes.stop_group(job.process, job.pgid, job.spec.grace_ms)


def _record_end(connection: sqlite3.Connection, job: Job) -> None:
    """Its command does that, unless it has died."""
    owner = job.foreground_owner
    if owner is None or not processes.alive(owner):
        try:
            rows.move(connection, job, Change(to=Status.CANCELLED, by=BY, reason="cancelled"))
        except StaleJob:
            return


def _ended(connection: sqlite3.Connection, marked: tuple[Job, ...]) -> tuple[Job, ...]:
    graces = [job.spec.grace_ms / 1000 for job in marked]
    deadline = time.monotonic() + max(graces, default=0) + _BEYOND_GRACE_S
    while True:
        now = rows.by_ids(connection, [job.id for job in marked])
        left = [job for job in now if not job.status.terminal]
        if not left:
            return now
        if time.monotonic() > deadline:
            names = ", ".join(job.address for job in left)
            raise KillFailed(
                f"still not stopped: {names}", hint="bough jobs show shows what is left of it."
            )
        time.sleep(_POLL_S)
