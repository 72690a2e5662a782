"""How long jobs took: the median of what succeeded, by event and name."""

from __future__ import annotations

import sqlite3

from bough.coordinator.model import Change, Status
from bough.coordinator.store import jobs
from bough.coordinator.store.durations import medians
from tests.support.engine import foreground, new_invocation


def ran(
    connection: sqlite3.Connection,
    took_ms: int,
    *,
    event: str = "pre-push",
    name: str = "build",
    to: Status = Status.SUCCEEDED,
) -> None:
    (job,) = jobs.insert(connection, new_invocation(event=event), [foreground(name)], "command")
    running = jobs.move(connection, job, Change(to=Status.RUNNING, by="test", started_at=1_000))
    jobs.move(connection, running, Change(to=to, by="test", finished_at=1_000 + took_ms))


def test_the_median_of_what_succeeded_counts(connection: sqlite3.Connection) -> None:
    for took in (10, 5000, 30):
        ran(connection, took)
    ran(connection, 1, to=Status.FAILED)
    ran(connection, 2, event="pre-commit")
    ran(connection, 7, name="lint")
    ran(connection, 9, name="\udcff")
    found = medians(connection, "pre-push", ["build", "lint", "never", "\udcff"])
    assert found == {"build": 30, "lint": 7, "\udcff": 9}


def test_only_the_latest_runs_count(connection: sqlite3.Connection) -> None:
    for took in (*[9000] * 60, *[10] * 50):
        ran(connection, took)
    assert medians(connection, "pre-push", ["build"]) == {"build": 10}
