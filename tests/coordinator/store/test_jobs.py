"""Rows of jobs: inserted whole, moved only by guarded updates, each move with its event."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.errors import StaleJob, StoreError
from bough.coordinator.model import (
    Change,
    Job,
    JobSpec,
    LogPolicy,
    NewJob,
    Output,
    Owner,
    ProcessIdentity,
    Retry,
    SkipClass,
    Status,
    When,
)
from bough.coordinator.store import history, jobs, schemas
from bough.coordinator.store.specs import from_json, to_json
from bough.coordinator.store.text import bound, decode
from bough.coordinator.transitions import allowed
from tests.support.engine import at_once, background, foreground, new_invocation

S = Status
BYTES = "caf\udce9 \udcff\udcfe"
IDENTITY = ProcessIdentity(pid=4242, start_ticks=99, boot_id="boot/ns")


def insert(connection: sqlite3.Connection, *new: NewJob, **invocation: Any) -> tuple[Job, ...]:
    return jobs.insert(connection, new_invocation(**invocation), new, "command")


def one(connection: sqlite3.Connection, **known: Any) -> Job:
    return insert(connection, background("job", **known))[0]


def move(connection: sqlite3.Connection, job: Job, to: Status, **known: Any) -> Job:
    return jobs.move(connection, job, Change(to=to, by="test", **known))


def trail(connection: sqlite3.Connection, job: Job) -> list[tuple[str | None, str, str, str]]:
    return [(e.before, e.after, e.reason, e.by) for e in history.events(connection, job.id)]


# What is inserted.


def test_a_row_says_all_that_is_known_of_it(connection: sqlite3.Connection) -> None:
    invocation = new_invocation(handoff_path="/run/x.json", parent="ffff")
    (job,) = jobs.insert(connection, invocation, [background("a", "echo", priority=3)], "command")
    assert (job.invocation, job.event, job.command) == (
        invocation.id,
        "post-checkout",
        "bough test",
    )
    assert (job.worktree_name, job.worktree_path, job.branch) == ("tree", "/tree", "main")
    assert (job.commit, job.handoff_path) == ("0" * 40, "/run/x.json")
    assert (job.name, job.attempt, job.retry_of, job.ordinal) == ("a", 1, None, 0)
    assert (job.owner, job.status, job.version) == (Owner.BACKGROUND, S.QUEUED, 0)
    assert job.queued_at == invocation.created_at
    assert job.foreground_owner == invocation.owner
    assert job.log_path.startswith(f"jobs/{invocation.id}/a-")
    assert job.log_path.endswith("/output.jsonl")
    assert (job.process, job.started_at, job.finished_at, job.exit_code) == (None,) * 4


def test_all_rows_of_a_plan_are_there_in_declared_order_skipped_ones_too(
    connection: sqlite3.Connection,
) -> None:
    skipped = replace(foreground("b"), skip=SkipClass.TRUST, reason="untrusted")
    made = insert(connection, background("z"), skipped, foreground("a"))
    assert [(job.name, job.ordinal, job.status) for job in made] == [
        ("z", 0, S.QUEUED),
        ("b", 1, S.SKIPPED),
        ("a", 2, S.QUEUED),
    ]
    assert (made[1].skip_class, made[1].reason, made[1].log_path) == ("trust", "untrusted", "")
    assert made[1].finished_at == made[1].queued_at
    assert [trail(connection, job) for job in made] == [
        [(None, "queued", "", "command")],
        [(None, "skipped", "untrusted", "command")],
        [(None, "queued", "", "command")],
    ]


def test_a_plan_is_inserted_whole_or_not_at_all(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(connection, background("twice"), background("twice"))
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("invocations", "jobs", "job_events", "job_tags")
    ]
    assert counts == [0, 0, 0, 0]


def test_a_tag_that_is_said_twice_counts_once(connection: sqlite3.Connection) -> None:
    job = one(connection, tags=("x", "y", "x"))
    rows = connection.execute("SELECT tag FROM job_tags WHERE job_id = ? ORDER BY tag", (job.id,))
    assert [row["tag"] for row in rows] == ["x", "y"]


TEXTS = [BYTES, "", "a\0b", "a\nb", "%_*?", "'; DROP TABLE jobs; --", "ü", "\U0001f333"]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives(connection: sqlite3.Connection, text: str) -> None:
    (job,) = insert(
        connection,
        replace(
            background(text, text, tags=(text,), env=(("A", text),), needs=(text,), fail_text=text),
            reason=text,
        ),
        event=text,
        command=text,
        worktree_name=text,
        worktree_path=text,
        branch=text,
        handoff_path=text,
        parent=text,
    )
    for value in (job.name, job.reason, job.event, job.command, job.worktree_name):
        assert value == text
    for value in (job.worktree_path, job.branch, job.handoff_path, job.spec.fail_text):
        assert value == text
    assert job.spec.argv == ("/bin/sh", "-c", text)
    assert (job.spec.tags, job.spec.env, job.spec.needs) == ((text,), (("A", text),), (text,))
    assert jobs.reload(connection, job) == job
    ended = move(connection, job, S.CANCELLED, reason=text)
    assert ended.reason == text
    assert [event.reason for event in history.events(connection, job.id)] == [text, text]
    for wanted in (
        history.Filter(name=text),
        history.Filter(event=text),
        history.Filter(tag=text),
        history.Filter(worktree=text),
        history.Filter(worktree_path=text),
    ):
        assert history.page(connection, wanted).jobs == (ended,)


@given(st.binary(max_size=40))
def test_undecodable_bytes_come_back_as_they_were(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    value = bound(text)
    assert decode(value.encode() if isinstance(value, str) else value) == text


NAMES = st.text(max_size=8) | st.binary(max_size=8).map(decode)
SPECS = st.builds(
    JobSpec,
    name=NAMES,
    argv=st.lists(NAMES, max_size=3).map(tuple),
    cwd=NAMES,
    env=st.lists(st.tuples(NAMES, NAMES), max_size=2).map(tuple),
    needs=st.lists(NAMES, max_size=2).map(tuple),
    after=st.lists(NAMES, max_size=2).map(tuple),
    when=st.sampled_from(When),
    timeout_ms=st.none() | st.integers(0, 2**40),
    idle_timeout_ms=st.none() | st.integers(0, 2**40),
    retry=st.builds(Retry, max=st.integers(0, 9), backoff_ms=st.integers(0, 9)),
    allow_failure=st.booleans(),
    priority=st.integers(-9, 9),
    output=st.sampled_from(Output),
    log=st.builds(LogPolicy, max_size=st.none() | st.integers(1, 99)),
    tags=st.lists(NAMES, max_size=2).map(tuple),
)


@given(SPECS)
def test_a_spec_survives_as_json(spec: JobSpec) -> None:
    assert from_json(to_json(spec)) == spec
    assert to_json(spec).isascii()


def test_a_spec_of_another_version_can_still_be_read() -> None:
    text = """{"name": "a", "argv": ["true"], "cwd": "/", "colour": "red",
        "retry": {"max": 2, "jitter": true}, "log": {"sample_every": 5, "codec": "zstd"}}"""
    spec = from_json(text)
    assert (spec.name, spec.argv, spec.when) == ("a", ("true",), When.SUCCESS)
    assert (spec.retry, spec.log.sample_every) == (Retry(max=2), 5)


# What is moved.


def bring(connection: sqlite3.Connection, job: Job, to: Status) -> Job:
    """The row in that state, by the shortest way that is allowed."""
    path: dict[Status, list[Status]] = {
        S.QUEUED: [],
        S.STARTING: [S.STARTING],
        S.RUNNING: [S.RUNNING],
        S.CANCELLING: [S.RUNNING, S.CANCELLING],
        S.SUCCEEDED: [S.RUNNING, S.SUCCEEDED],
        S.TIMED_OUT: [S.RUNNING, S.TIMED_OUT],
    }
    for status in path.get(to, [to]):
        job = move(connection, job, status)
    return job


@pytest.mark.parametrize(
    ("before", "after"), list(itertools.product(Status, Status)), ids=lambda status: status.value
)
def test_a_row_moves_as_the_table_says_and_leaves_its_event(
    connection: sqlite3.Connection, before: Status, after: Status
) -> None:
    job = bring(connection, one(connection), before)
    events = trail(connection, job)
    if allowed(before, after):
        moved = move(connection, job, after, reason="why")
        assert (moved.status, moved.version) == (after, job.version + 1)
        assert trail(connection, job) == [*events, (before, after, "why", "test")]
        assert (moved.finished_at is not None) == after.terminal
    else:
        with pytest.raises(StoreError, match=f"cannot go from {before} to {after}"):
            move(connection, job, after)
        assert jobs.reload(connection, job) == job
        assert trail(connection, job) == events


def test_a_row_that_somebody_else_moved_is_stale_and_stays_as_he_left_it(
    connection: sqlite3.Connection,
) -> None:
    job = one(connection)
    theirs = move(connection, job, S.CANCELLED, reason="theirs")
    with pytest.raises(StaleJob):
        move(connection, job, S.STARTING)
    assert jobs.reload(connection, job) == theirs
    assert len(trail(connection, job)) == 2


def test_the_same_status_again_is_not_the_same_row(connection: sqlite3.Connection) -> None:
    queued = one(connection)
    again = move(connection, move(connection, queued, S.STARTING), S.QUEUED)
    with pytest.raises(StaleJob):
        move(connection, queued, S.STARTING)
    assert jobs.reload(connection, queued) == again


def test_of_many_processes_that_move_one_row_exactly_one_succeeds(
    connection: sqlite3.Connection, engine: Any
) -> None:
    job = one(connection)

    def claim() -> bool:
        with closing(schemas.write_repository(engine.places)) as mine:
            try:
                move(mine, job, S.STARTING)
            except StaleJob:
                return False
            return True

    assert sorted(at_once([claim] * 8)) == [False] * 7 + [True]
    assert len(trail(connection, job)) == 2


def test_without_its_event_a_row_does_not_move(connection: sqlite3.Connection) -> None:
    job = one(connection)
    connection.execute(
        "CREATE TRIGGER no_events BEFORE INSERT ON job_events BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        move(connection, job, S.STARTING)
    assert jobs.reload(connection, job) == job


def test_facts_are_kept_until_they_are_known_better(connection: sqlite3.Connection) -> None:
    job = move(
        connection, one(connection), S.RUNNING, process=IDENTITY, pgid=4242, started_at=1_000
    )
    assert (job.process, job.pgid, job.started_at) == (IDENTITY, 4242, 1_000)
    ended = move(
        connection,
        move(connection, job, S.CANCELLING, reason="by hand"),
        S.CANCELLED,
        signal=15,
        finished_at=2_000,
        log_bytes=10,
        log_lines=1,
    )
    assert (ended.process, ended.started_at, ended.finished_at) == (IDENTITY, 1_000, 2_000)
    assert (ended.reason, ended.signal, ended.exit_code) == ("by hand", 15, None)
    assert (ended.log_bytes, ended.log_lines) == (10, 1)


def test_back_in_the_queue_a_row_forgets_its_process(connection: sqlite3.Connection) -> None:
    job = move(
        connection, one(connection), S.RUNNING, process=IDENTITY, pgid=4242, started_at=1_000
    )
    again = move(connection, job, S.QUEUED, reason="its start was interrupted")
    assert (again.process, again.pgid, again.started_at, again.finished_at) == (None,) * 4
    assert again.reason == "its start was interrupted"
    assert move(connection, again, S.STARTING).status is S.STARTING
