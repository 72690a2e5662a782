"""Retries are rows of their own; what scheduling and filters read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bough.coordinator.model import (
    Change,
    Job,
    NewJob,
    Retry,
    Status,
)
from bough.coordinator.store import history, jobs
from tests.support.engine import background, dead_process, foreground, new_invocation

S = Status


def insert(connection: sqlite3.Connection, *new: NewJob, **invocation: Any) -> tuple[Job, ...]:
    return jobs.insert(connection, new_invocation(**invocation), new, "command")


def one(connection: sqlite3.Connection, **known: Any) -> Job:
    return insert(connection, background("job", **known))[0]


def move(connection: sqlite3.Connection, job: Job, to: Status, **known: Any) -> Job:
    return jobs.move(connection, job, Change(to=to, by="test", **known))


def trail(connection: sqlite3.Connection, job: Job) -> list[tuple[str | None, str, str, str]]:
    return [(e.before, e.after, e.reason, e.by) for e in history.events(connection, job.id)]


@pytest.mark.parametrize("end", [S.FAILED, S.TIMED_OUT])
def test_a_retry_is_a_new_row_that_waits_twice_as_long_each_time(
    connection: sqlite3.Connection, end: Status
) -> None:
    job = one(connection, retry=Retry(max=3, backoff_ms=100), tags=("t",), priority=2)
    first = job
    for attempt, backoff in ((2, 100), (3, 200), (4, 400)):
        job = move(connection, job, S.RUNNING)
        ended = move(connection, job, end, finished_at=10_000)
        assert ended.status is end
        (job,) = jobs.of_invocation(connection, first.invocation_key)
        assert (job.attempt, job.retry_of, job.status) == (attempt, ended.id, S.QUEUED)
        assert (job.queued_at, job.not_before) == (10_000, 10_000 + backoff)
        assert (job.spec, job.ordinal, job.owner) == (first.spec, first.ordinal, first.owner)
        assert job.log_path != ended.log_path
        assert job.foreground_owner == first.foreground_owner
        assert history.matches(connection, job, history.Filter(tag="t"))
        assert trail(connection, job) == [(None, "queued", f"retry {attempt - 1} of 3", "test")]
    move(connection, move(connection, job, S.RUNNING), end)
    assert jobs.of_invocation(connection, first.invocation_key)[0].attempt == 4


@pytest.mark.parametrize("end", [S.SUCCEEDED, S.CANCELLED, S.CRASHED])
def test_no_other_end_is_retried(connection: sqlite3.Connection, end: Status) -> None:
    job = one(connection, retry=Retry(max=3))
    ended = move(connection, move(connection, job, S.RUNNING), end)
    assert jobs.of_invocation(connection, job.invocation_key) == (ended,)


def test_a_retry_that_cannot_be_queued_keeps_the_row_from_ending(
    connection: sqlite3.Connection,
) -> None:
    running = move(connection, one(connection, retry=Retry(max=1)), S.RUNNING)
    connection.execute(
        """CREATE TRIGGER no_retries BEFORE INSERT ON jobs
           BEGIN SELECT RAISE(ABORT, 'no'); END"""
    )
    with pytest.raises(sqlite3.IntegrityError):
        move(connection, running, S.FAILED)
    assert jobs.reload(connection, running) == running


# What is read back.


def test_current_is_every_invocation_with_work_left_in_latest_attempts(
    connection: sqlite3.Connection,
) -> None:
    done = insert(connection, background("a"), background("b"))
    for job in done:
        move(connection, job, S.CANCELLED)
    half = insert(connection, background("a", retry=Retry(max=1)), background("b"))
    move(connection, half[0], S.FAILED)
    move(connection, half[1], S.CANCELLED)
    whole = insert(connection, foreground("c"))
    assert [(job.invocation, job.name, job.attempt) for job in jobs.current(connection)] == [
        (half[0].invocation, "a", 2),
        (half[0].invocation, "b", 1),
        (whole[0].invocation, "c", 1),
    ]


def test_a_row_that_was_deleted_reloads_as_none(connection: sqlite3.Connection) -> None:
    job = one(connection)
    connection.execute("DELETE FROM invocations")
    assert jobs.reload(connection, job) is None
    assert connection.execute("SELECT count(*) FROM job_events").fetchone()[0] == 0


WORDS = st.sampled_from(["db", "db2", "d%", "d_", "%", "_", "*", "DB", "d*", "a", "", "é"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(WORDS, min_size=1, max_size=6, unique=True), WORDS)
def test_filters_match_whole_values(
    connection: sqlite3.Connection, values: list[str], wanted: str
) -> None:
    connection.execute("DELETE FROM invocations")
    for value in values:
        insert(
            connection,
            background(value, tags=(value,)),
            event=value,
            worktree_name=value,
            branch=f"branch {value}",
            worktree_path=value,
        )
    kinds: list[Callable[[], history.Filter]] = [
        lambda: history.Filter(name=wanted),
        lambda: history.Filter(event=wanted),
        lambda: history.Filter(tag=wanted),
        lambda: history.Filter(worktree=wanted),
        lambda: history.Filter(worktree=f"branch {wanted}"),
        lambda: history.Filter(worktree_path=wanted),
    ]
    for kind in kinds:
        found = [job.name for job in history.page(connection, kind()).jobs]
        assert found == ([wanted] if wanted in values else [])


def test_the_owner_of_a_row_survives_as_an_identity(connection: sqlite3.Connection) -> None:
    dead = dead_process()
    (job,) = insert(connection, foreground("a"), owner=dead)
    assert job.foreground_owner == dead
