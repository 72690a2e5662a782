"""Rows of jobs: inserted with their invocation, moved by guarded updates, read back as values.

Invariants: a row changes only along `transitions`; each change is guarded by status and version and
leaves its event in the same transaction; an automatic retry is inserted in the transaction that
ends its predecessor.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from bough.coordinator import clock, transitions
from bough.coordinator.errors import StaleJob, StoreError
from bough.coordinator.locking import Claim, in_the_way
from bough.coordinator.locking import reason as waiting_reason
from bough.coordinator.model import (
    LIVE,
    Change,
    Job,
    NewInvocation,
    NewJob,
    Owner,
    ProcessIdentity,
    SkipClass,
    Status,
)
from bough.coordinator.places import job_folder
from bough.coordinator.store import locks
from bough.coordinator.store.connection import transaction
from bough.coordinator.store.specs import from_json, to_json
from bough.coordinator.store.text import bound

_AUTOMATIC_RETRY_OF = frozenset({Status.FAILED, Status.TIMED_OUT})

JOB_COLUMNS = """
    j.id, j.invocation_key, i.id AS invocation, i.event, i.command, i.worktree_name,
    i.worktree_path, i.branch, i.commit_id, i.handoff_path, i.owner_pid, i.owner_ticks,
    i.owner_boot, j.name, j.attempt, j.retry_of, j.ordinal, j.owner, j.status, j.reason,
    j.skip_class, j.version, j.spec_json, j.pid, j.start_ticks, j.boot_id, j.pgid, j.exit_code,
    j.signal, j.queued_at, j.not_before, j.started_at, j.finished_at, j.log_path, j.log_bytes,
    j.log_lines
"""

_SELECT_BY_IDS = (
    "SELECT"
    + JOB_COLUMNS
    + """FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    WHERE j.id IN (SELECT value FROM json_each(?)) ORDER BY j.invocation_key, j.ordinal"""
)
_LATEST = """
    AND NOT EXISTS (
        SELECT 1 FROM jobs later WHERE later.invocation_key = j.invocation_key
          AND later.name = j.name AND later.attempt > j.attempt)
    ORDER BY j.invocation_key, j.ordinal"""
_SELECT_CURRENT = (
    "SELECT"
    + JOB_COLUMNS
    + """FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    WHERE j.invocation_key IN (
        SELECT invocation_key FROM jobs
        WHERE status IN ('queued', 'starting', 'running', 'cancelling'))"""
    + _LATEST
)
_SELECT_LATEST_OF = (
    "SELECT"
    + JOB_COLUMNS
    + """FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    WHERE j.invocation_key = ?"""
    + _LATEST
)


def insert(
    connection: sqlite3.Connection, invocation: NewInvocation, jobs: Sequence[NewJob], by: str
) -> tuple[Job, ...]:
    """Write an invocation with all its planned jobs, skipped ones included, in one transaction."""
    with transaction(connection):
        key = _insert_invocation(connection, invocation)
        ids = [
            _insert_job(connection, key, invocation, ordinal, job, by)
            for ordinal, job in enumerate(jobs)
        ]
        return _by_ids(connection, ids)


def _insert_invocation(connection: sqlite3.Connection, new: NewInvocation) -> int:
    cursor = connection.execute(
        """INSERT INTO invocations (id, event, command, worktree_name, worktree_path, branch,
               commit_id, created_at, owner_pid, owner_ticks, owner_boot, handoff_path, parent)
           VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
               CAST(? AS TEXT), ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))""",
        (
            new.id,
            bound(new.event),
            bound(new.command),
            bound(new.worktree_name),
            bound(new.worktree_path),
            bound(new.branch),
            new.commit,
            new.created_at,
            new.owner.pid,
            new.owner.start_ticks,
            new.owner.boot_id,
            bound(new.handoff_path),
            bound(new.parent),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _insert_job(
    connection: sqlite3.Connection,
    key: int,
    invocation: NewInvocation,
    ordinal: int,
    job: NewJob,
    by: str,
) -> int:
    status = Status.QUEUED if job.skip is None else Status.SKIPPED
    finished = None if job.skip is None else invocation.created_at
    cursor = connection.execute(
        """INSERT INTO jobs (invocation_key, name, ordinal, owner, status, reason, skip_class,
               spec_json, queued_at, finished_at, log_path, retention_s, priority)
           VALUES (?, CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)""",
        (
            key,
            bound(job.spec.name),
            ordinal,
            job.owner,
            status,
            bound(job.reason),
            job.skip,
            to_json(job.spec),
            invocation.created_at,
            finished,
            "" if job.skip else f"{job_folder(invocation.id, job.spec.name, 1)}/output.jsonl",
            job.spec.retention_s,
            job.spec.priority,
        ),
    )
    assert cursor.lastrowid is not None
    connection.executemany(
        "INSERT OR IGNORE INTO job_tags (job_id, tag) VALUES (?, CAST(? AS TEXT))",
        [(cursor.lastrowid, bound(tag)) for tag in job.spec.tags],
    )
    _insert_event(connection, cursor.lastrowid, None, status, job.reason, by, invocation.created_at)
    return cursor.lastrowid


def _insert_event(
    connection: sqlite3.Connection,
    job_id: int,
    before: Status | None,
    after: Status,
    reason: str,
    by: str,
    at: int,
) -> None:
    connection.execute(
        """INSERT INTO job_events (job_id, from_status, to_status, at, reason, by)
           VALUES (?, ?, ?, ?, CAST(? AS TEXT), ?)""",
        (job_id, before, after, at, bound(reason), by),
    )


def move(connection: sqlite3.Connection, job: Job, change: Change) -> Job:
    """Apply a change to the row as `job` knows it, in a transaction of its own.

    A job that starts takes its locks with it, all or none; one that ends gives them back. Raises
    StaleJob when the row has been moved by somebody else since, or when somebody was quicker to
    take a lock; StoreError when the table of transitions does not allow the change.
    """
    with transaction(connection):
        _apply(connection, job, change)
        _exchange_locks(connection, job, change)
        if change.to in _AUTOMATIC_RETRY_OF and job.retries_left:
            _insert_retry(connection, job, change)
        return _by_ids(connection, [job.id])[0]


def _exchange_locks(connection: sqlite3.Connection, job: Job, change: Change) -> None:
    if not job.spec.locks:
        return
    if change.to not in LIVE:
        locks.give_back(connection, job)
    elif job.status is Status.QUEUED:
        if in_the_way(job, locks.claims(connection)):
            raise StaleJob(f"{job.address} has to wait for a lock after all")
        locks.take(connection, job)


def line_up(connection: sqlite3.Connection, job: Job, blockers: Sequence[Claim], by: str) -> Job:
    """Have a queued job wait for its locks, with everybody who is in its way as the reason.

    A lock that is held by a job which fired this one is refused: it could never be given back.
    Raises StaleJob as `move` does.
    """
    reason = waiting_reason(blockers)
    if job.reason == reason:
        return job
    with transaction(connection):
        for claim in blockers:
            if locks.held_by_ancestor(connection, job, claim):
                told = f"lock {claim.name} is held by {claim.job}, which waits for this job"
                _apply(connection, job, Change(to=Status.FAILED, by=by, reason=told))
                _exchange_locks(connection, job, Change(to=Status.FAILED, by=by))
                return _by_ids(connection, [job.id])[0]
        locks.wait(connection, job)
        cursor = connection.execute(
            """UPDATE jobs SET reason = CAST(? AS TEXT), version = version + 1
               WHERE id = ? AND status = 'queued' AND version = ?""",
            (bound(reason), job.id, job.version),
        )
        if cursor.rowcount != 1:
            raise StaleJob(f"{job.address} is no longer queued; somebody else moved it on")
        return _by_ids(connection, [job.id])[0]


def _apply(connection: sqlite3.Connection, job: Job, change: Change) -> None:
    if not transitions.allowed(job.status, change.to):
        raise StoreError(f"{job.address} cannot go from {job.status} to {change.to}")
    at = change.finished_at or change.started_at or clock.now_ms()
    requeued = change.to is Status.QUEUED
    process = change.process
    cursor = connection.execute(
        """UPDATE jobs SET status = :to, version = version + 1,
               reason = CASE WHEN :reason <> '' OR status = 'queued' OR :requeued
                        THEN CAST(:reason AS TEXT) ELSE reason END,
               skip_class = coalesce(:skip_class, skip_class),
               pid = CASE WHEN :requeued THEN NULL ELSE coalesce(:pid, pid) END,
               start_ticks = CASE WHEN :requeued THEN NULL ELSE coalesce(:ticks, start_ticks) END,
               boot_id = CASE WHEN :requeued THEN NULL ELSE coalesce(:boot, boot_id) END,
               pgid = CASE WHEN :requeued THEN NULL ELSE coalesce(:pgid, pgid) END,
               exit_code = coalesce(:exit_code, exit_code),
               signal = coalesce(:signal, signal),
               started_at = CASE WHEN :requeued THEN NULL
                            ELSE coalesce(:started_at, started_at) END,
               finished_at = :finished_at,
               log_bytes = coalesce(:log_bytes, log_bytes),
               log_lines = coalesce(:log_lines, log_lines)
           WHERE id = :id AND status = :status AND version = :version""",
        {
            "to": change.to,
            "reason": bound(change.reason),
            "requeued": requeued,
            "skip_class": change.skip_class,
            "pid": process.pid if process else None,
            "ticks": process.start_ticks if process else None,
            "boot": process.boot_id if process else None,
            "pgid": change.pgid,
            "exit_code": change.exit_code,
            "signal": change.signal,
            "started_at": change.started_at,
            "finished_at": (change.finished_at or at) if change.to.terminal else None,
            "log_bytes": change.log_bytes,
            "log_lines": change.log_lines,
            "id": job.id,
            "status": job.status,
            "version": job.version,
        },
    )
    if cursor.rowcount != 1:
        raise StaleJob(f"{job.address} is no longer {job.status}; somebody else moved it on")
    _insert_event(connection, job.id, job.status, change.to, change.reason, change.by, at)


def _insert_retry(connection: sqlite3.Connection, job: Job, change: Change) -> None:
    now = change.finished_at or clock.now_ms()
    attempt = job.attempt + 1
    cursor = connection.execute(
        """INSERT INTO jobs (invocation_key, name, attempt, retry_of, ordinal, owner, status,
               spec_json, queued_at, not_before, log_path, retention_s, priority)
           VALUES (?, CAST(? AS TEXT), ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)""",
        (
            job.invocation_key,
            bound(job.name),
            attempt,
            job.id,
            job.ordinal,
            job.owner,
            to_json(job.spec),
            now,
            now + job.spec.retry.backoff_ms * 2 ** (job.attempt - 1),
            f"{job_folder(job.invocation, job.name, attempt)}/output.jsonl",
            job.spec.retention_s,
            job.spec.priority,
        ),
    )
    assert cursor.lastrowid is not None
    connection.execute(
        "INSERT INTO job_tags (job_id, tag) SELECT ?, tag FROM job_tags WHERE job_id = ?",
        (cursor.lastrowid, job.id),
    )
    reason = f"retry {job.attempt} of {job.spec.retry.max}"
    _insert_event(connection, cursor.lastrowid, None, Status.QUEUED, reason, change.by, now)


def reload(connection: sqlite3.Connection, job: Job) -> Job | None:
    """The row as it is now, or None when it was pruned."""
    found = _by_ids(connection, [job.id])
    return found[0] if found else None


def by_ids(connection: sqlite3.Connection, ids: Iterable[int]) -> tuple[Job, ...]:
    """The rows with these ids, in order of firing and declaration."""
    return _by_ids(connection, ids)


def of_invocation(connection: sqlite3.Connection, key: int) -> tuple[Job, ...]:
    """The latest attempts of one invocation, in declared order."""
    return tuple(job_from(row) for row in connection.execute(_SELECT_LATEST_OF, (key,)))


def current(connection: sqlite3.Connection) -> tuple[Job, ...]:
    """The latest attempts of every invocation that has work left: what scheduling decides on."""
    return tuple(job_from(row) for row in connection.execute(_SELECT_CURRENT))


def _by_ids(connection: sqlite3.Connection, ids: Iterable[int]) -> tuple[Job, ...]:
    text = "[" + ",".join(str(int(value)) for value in ids) + "]"
    return tuple(job_from(row) for row in connection.execute(_SELECT_BY_IDS, (text,)))


def job_from(row: sqlite3.Row) -> Job:
    """A row of JOB_COLUMNS as a value."""
    process = None
    if row["pid"] is not None:
        process = ProcessIdentity(
            pid=row["pid"], start_ticks=row["start_ticks"], boot_id=row["boot_id"]
        )
    return Job(
        id=row["id"],
        invocation_key=row["invocation_key"],
        invocation=row["invocation"],
        event=row["event"],
        command=row["command"],
        worktree_name=row["worktree_name"],
        worktree_path=row["worktree_path"],
        branch=row["branch"],
        commit=row["commit_id"],
        handoff_path=row["handoff_path"],
        name=row["name"],
        attempt=row["attempt"],
        retry_of=row["retry_of"],
        ordinal=row["ordinal"],
        owner=Owner(row["owner"]),
        status=Status(row["status"]),
        reason=row["reason"],
        skip_class=SkipClass(row["skip_class"]) if row["skip_class"] else None,
        version=row["version"],
        spec=from_json(row["spec_json"]),
        process=process,
        pgid=row["pgid"],
        exit_code=row["exit_code"],
        signal=row["signal"],
        queued_at=row["queued_at"],
        not_before=row["not_before"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        log_path=row["log_path"],
        log_bytes=row["log_bytes"],
        log_lines=row["log_lines"],
        foreground_owner=ProcessIdentity(
            pid=row["owner_pid"], start_ticks=row["owner_ticks"], boot_id=row["owner_boot"]
        ),
    )
