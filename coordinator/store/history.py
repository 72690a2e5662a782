"""The store's read-only side: pages of jobs, what is active, events; nothing here writes.

Filters match whole values, never substrings. Cost grows with the page, not with the history.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from bough.coordinator import clock
from bough.coordinator.errors import Ambiguous, NotFound
from bough.coordinator.model import Job, Status
from bough.coordinator.store.connection import snapshot
from bough.coordinator.store.jobs import JOB_COLUMNS, job_from
from bough.coordinator.store.text import bound

DEFAULT_PER_PAGE = 50
MOST_PER_PAGE = 1_000
_MOST_ATTEMPTS = 1_000_000

_WHERE = """
    FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    WHERE (:event IS NULL OR i.event = CAST(:event AS TEXT))
      AND (:worktree IS NULL OR i.worktree_name = CAST(:worktree AS TEXT)
           OR i.branch = CAST(:worktree AS TEXT))
      AND (:worktree_path IS NULL OR i.worktree_path = CAST(:worktree_path AS TEXT))
      AND (:invocation IS NULL OR substr(i.id, 1, length(:invocation)) = :invocation)
      AND (:name IS NULL OR j.name = CAST(:name AS TEXT))
      AND (:attempt IS NULL OR j.attempt = :attempt)
      AND (:tag IS NULL OR EXISTS (
          SELECT 1 FROM job_tags t WHERE t.job_id = j.id AND t.tag = CAST(:tag AS TEXT)))
      AND (:status IS NULL OR j.status = :status)
      AND (:queued_before IS NULL OR j.queued_at <= :queued_before)
      AND (NOT :failed OR j.status IN ('failed', 'timed_out', 'cancelled', 'crashed'))
      AND (NOT :active OR j.status IN ('queued', 'starting', 'running', 'cancelling'))
      AND (:before IS NULL OR j.id < :before)
"""
_PAGE = "SELECT" + JOB_COLUMNS + _WHERE + "ORDER BY j.id DESC LIMIT :limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are meant; what is None does not matter. All given ones must hold."""

    event: str | None = None
    worktree: str | None = None
    worktree_path: str | None = None
    invocation: str | None = None
    """A prefix of the invocation's id."""
    name: str | None = None
    attempt: int | None = None
    tag: str | None = None
    status: Status | None = None
    failed: bool = False
    older_than_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows, newest first; `next` is the cursor of the page after this one, None at the end."""

    jobs: tuple[Job, ...]
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One transition of one job."""

    id: int
    job_id: int
    before: Status | None
    after: Status
    at: int
    reason: str
    by: str


def page(
    connection: sqlite3.Connection,
    wanted: Filter,
    *,
    limit: int = DEFAULT_PER_PAGE,
    before: int | None = None,
) -> Page:
    """At most `limit` (1 to 1,000) rows older than the cursor `before`, newest first."""
    limit = max(1, min(limit, MOST_PER_PAGE))
    parameters = {**_parameters(wanted), "before": before, "limit": limit + 1, "active": False}
    with snapshot(connection):
        rows = connection.execute(_PAGE, parameters).fetchall()
    found = tuple(job_from(row) for row in rows[:limit])
    return Page(jobs=found, next=found[-1].id if len(rows) > limit else None)


def active(connection: sqlite3.Connection, wanted: Filter) -> tuple[Job, ...]:
    """All rows that have not ended, newest first."""
    parameters = {**_parameters(wanted), "before": None, "limit": -1, "active": True}
    return tuple(job_from(row) for row in connection.execute(_PAGE, parameters))


def matches(connection: sqlite3.Connection, job: Job, wanted: Filter) -> bool:
    """Whether one row is among those that the filter means."""
    parameters = {**_parameters(wanted), "before": job.id + 1, "limit": 1, "active": False}
    row = connection.execute(_PAGE, parameters).fetchone()
    return row is not None and row["id"] == job.id


def narrowed(
    wanted: Filter, *, invocation: str | None = None, worktree_path: str | None = None
) -> Filter:
    """The filter with another condition added."""
    return replace(
        wanted,
        invocation=invocation or wanted.invocation,
        worktree_path=worktree_path or wanted.worktree_path,
    )


def _parameters(wanted: Filter) -> dict[str, Any]:
    texts = {
        key: bound(value)
        for key in ("event", "worktree", "worktree_path", "name", "tag")
        if (value := getattr(wanted, key)) is not None
    }
    now = clock.now_ms()
    older = wanted.older_than_s
    return {
        **dict.fromkeys(("event", "worktree", "worktree_path", "name", "tag")),
        **texts,
        "invocation": wanted.invocation,
        "attempt": wanted.attempt,
        "status": wanted.status,
        "failed": wanted.failed,
        "queued_before": None if older is None else max(now - older * 1000, -1),
    }


def active_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows are in each active state; states without rows are left out."""
    rows = connection.execute(
        """SELECT status, count(*) AS number FROM jobs
           WHERE status IN ('queued', 'starting', 'running', 'cancelling') GROUP BY status"""
    )
    return {row["status"]: row["number"] for row in rows}


def worktree_counts(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """(active, failed) by worktree path: active rows, and failures of its last invocation."""
    rows = connection.execute(
        """WITH latest AS (SELECT worktree_path, max(key) AS key FROM invocations
                           GROUP BY worktree_path)
           SELECT i.worktree_path AS path,
               sum(j.status IN ('queued', 'starting', 'running', 'cancelling')) AS active,
               sum(i.key = latest.key AND j.status IN ('failed', 'timed_out', 'crashed')
                   AND NOT EXISTS (SELECT 1 FROM jobs later
                       WHERE later.invocation_key = j.invocation_key AND later.name = j.name
                         AND later.attempt > j.attempt)) AS failed
           FROM latest JOIN invocations i ON i.worktree_path = latest.worktree_path
           JOIN jobs j ON j.invocation_key = i.key
           WHERE i.key = latest.key
              OR j.status IN ('queued', 'starting', 'running', 'cancelling')
           GROUP BY i.worktree_path"""
    )
    return {row["path"]: (row["active"], row["failed"]) for row in rows}


def known(connection: sqlite3.Connection, invocation: str) -> bool:
    """Whether there is an invocation with this id."""
    row = connection.execute("SELECT 1 FROM invocations WHERE id = ?", (invocation,)).fetchone()
    return row is not None


def has_background_work(connection: sqlite3.Connection, invocation: str) -> bool:
    """Whether a background job or automatic retry of the invocation with this id has not ended."""
    row = connection.execute(
        """SELECT 1 FROM invocations i JOIN jobs j ON j.invocation_key = i.key
           WHERE i.id = ? AND j.owner = 'background'
             AND j.status IN ('queued', 'starting', 'running', 'cancelling') LIMIT 1""",
        (invocation,),
    ).fetchone()
    return row is not None


def interrupted_starts(connection: sqlite3.Connection, job_id: int, since: int) -> int:
    """How often since then the job went back to the queue because its start was interrupted."""
    row = connection.execute(
        """SELECT count(*) AS number FROM job_events
           WHERE job_id = ? AND to_status = 'queued' AND from_status IS NOT NULL AND at >= ?""",
        (job_id, since),
    ).fetchone()
    return int(row["number"])


def events(connection: sqlite3.Connection, job_id: int) -> tuple[Event, ...]:
    """The transitions of a job, oldest first."""
    rows = connection.execute("SELECT * FROM job_events WHERE job_id = ? ORDER BY id", (job_id,))
    return tuple(
        Event(
            id=row["id"],
            job_id=row["job_id"],
            before=Status(row["from_status"]) if row["from_status"] else None,
            after=Status(row["to_status"]),
            at=row["at"],
            reason=row["reason"],
            by=row["by"],
        )
        for row in rows
    )


def readings(address: str) -> tuple[Filter, ...]:
    """Every way to read `[worktree:][invocation-prefix:]job[#attempt]`, the plain name first.

    Split from the right, at each colon in turn, because names may themselves hold colons.
    """
    found = []
    for text, attempt in _attempts(address):
        found.append(Filter(name=text, attempt=attempt))
        for head, name in _splits(text):
            found.append(Filter(worktree=head, name=name, attempt=attempt))
            if _is_prefix(head):
                found.append(Filter(invocation=head, name=name, attempt=attempt))
            worktree, colon, prefix = head.rpartition(":")
            if colon and _is_prefix(prefix):
                found.append(
                    Filter(worktree=worktree, invocation=prefix, name=name, attempt=attempt)
                )
    return tuple(found)


def _splits(text: str) -> list[tuple[str, str]]:
    """What stands before and after each colon, the last colon first."""
    places = [place for place, letter in enumerate(text) if letter == ":"]
    return [(text[:place], text[place + 1 :]) for place in reversed(places)]


def _attempts(address: str) -> list[tuple[str, int | None]]:
    head, mark, number = address.rpartition("#")
    plain: list[tuple[str, int | None]] = [(address, None)]
    if mark and number.isascii() and number.isdigit() and 0 < int(number) < _MOST_ATTEMPTS:
        plain.append((head, int(number)))
    return plain


def _is_prefix(text: str) -> bool:
    return 4 <= len(text) <= 16 and all(letter in "0123456789abcdef" for letter in text)


def find(connection: sqlite3.Connection, address: str) -> Job:
    """The newest job that the address means; raises NotFound, or Ambiguous with the candidates."""
    matches: list[tuple[Filter, Job]] = []
    for reading in readings(address):
        found = page(connection, reading, limit=1).jobs
        if found:
            matches.append((reading, found[0]))
    if not matches:
        raise NotFound(f"no job is called {address!r}", hint="bough jobs --all")
    if len({job.id for _reading, job in matches}) > 1:
        candidates = ", ".join(dict.fromkeys(job.address for _reading, job in matches))
        raise Ambiguous(
            f"{address!r} can mean several jobs: {candidates}", hint="Give one of these in full."
        )
    job = matches[0][1]
    prefix = matches[0][0].invocation
    if prefix is not None:
        _refuse_ambiguous_prefix(connection, prefix, matches[0][0])
    return job


def _refuse_ambiguous_prefix(connection: sqlite3.Connection, prefix: str, reading: Filter) -> None:
    rows = page(connection, reading, limit=MOST_PER_PAGE).jobs
    ids = sorted({job.invocation for job in rows})
    if len(ids) > 1:
        raise Ambiguous(
            f"the prefix {prefix} fits {len(ids)} invocations: {', '.join(ids[:5])}",
            hint="Give more of its digits.",
        )
