"""Readers and the truth: rows that nobody looks after are shown as they are, and then mended.

There is one mender, the coordinator. A reader that finds an active row without an owner derives
what it really is for display, and wakes a coordinator, which mends the row itself; a reader that
cannot do so (a read-only home) still shows the truth.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from bough.coordinator import jobfolder, processes, recovery, spawn
from bough.coordinator.errors import BoughError
from bough.coordinator.model import LIVE, Job, Owner
from bough.coordinator.places import StatePlaces


def truthful(places: StatePlaces, rows: Iterable[Job]) -> tuple[Job, ...]:
    """The rows with their real status, waking a coordinator when one of them needs it."""
    shown = tuple(rows)
    true = tuple(_derived(places, job) for job in shown)
    stale = any(before is not after for before, after in zip(shown, true, strict=True))
    waiting = any(job.owner is Owner.BACKGROUND and not job.status.terminal for job in true)
    if stale or waiting:
        _ensure_mender(places)
    return true


def _derived(places: StatePlaces, job: Job) -> Job:
    if job.status.terminal:
        return job
    evidence = None
    if job.owner is Owner.BACKGROUND and job.status in LIVE:
        evidence = jobfolder.evidence(os.path.dirname(places.absolute(job.log_path)))
    owner = job.foreground_owner
    return recovery.derived(
        job, owner_alive=owner is not None and processes.alive(owner), evidence=evidence
    )


def _ensure_mender(places: StatePlaces) -> None:
    try:
        spawn.wake(places)
    except BoughError:
        # Best effort: the next command that writes tries again and tells.
        return
