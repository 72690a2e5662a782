"""Claims to locks, in the database: taken all at once or none, given back with the row's end.

A lock needs no owner of its own: it is held while its job's row is active, and the row of a job
whose owner has died is ended by whoever reconciles it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from bough.coordinator import clock
from bough.coordinator.locking import Claim
from bough.coordinator.model import Job, LockMode
from bough.coordinator.store.text import bound


def claims(connection: sqlite3.Connection) -> tuple[Claim, ...]:
    """Everybody who holds a lock or waits for one, in the order of their turns."""
    rows = connection.execute(
        """SELECT l.turn, l.name, l.job_id, l.mode, l.held,
               substr(i.id, 1, 6) || ':' || j.name AS job
           FROM locks l JOIN jobs j ON j.id = l.job_id
           JOIN invocations i ON i.key = j.invocation_key ORDER BY l.turn"""
    )
    return tuple(
        Claim(
            name=row["name"],
            mode=LockMode(row["mode"]),
            job_id=row["job_id"],
            job=row["job"],
            held=bool(row["held"]),
            turn=row["turn"],
        )
        for row in rows
    )


def claims_for(connection: sqlite3.Connection, rows: Iterable[Job]) -> tuple[Claim, ...]:
    """All claims, if any of these rows could be concerned."""
    return claims(connection) if any(job.spec.locks for job in rows) else ()


def take(connection: sqlite3.Connection, job: Job) -> None:
    """Within a transaction in which nothing was in the way: hold all locks of the job."""
    _note(connection, job, held=True)


def wait(connection: sqlite3.Connection, job: Job) -> None:
    """Within a transaction: get in line for all locks of the job; who is in line stays there."""
    _note(connection, job, held=False)


def give_back(connection: sqlite3.Connection, job: Job) -> None:
    """Within the transaction that ends or requeues the row: neither hold nor wait any more."""
    connection.execute("DELETE FROM locks WHERE job_id = ?", (job.id,))


def _note(connection: sqlite3.Connection, job: Job, *, held: bool) -> None:
    connection.executemany(
        """INSERT INTO locks (name, job_id, mode, held, since)
           VALUES (CAST(? AS TEXT), ?, ?, ?, ?)
           ON CONFLICT (job_id, name) DO UPDATE SET held = excluded.held, since = excluded.since
           WHERE locks.held <> excluded.held""",
        [(bound(name), job.id, mode, held, clock.now_ms()) for name, mode in job.spec.locks],
    )


def held_by_ancestor(connection: sqlite3.Connection, job: Job, claim: Claim) -> bool:
    """Whether the claim is of an invocation whose job fired, by however many steps, this one.

    To wait for it would be to wait for oneself.
    """
    row = connection.execute(
        """WITH RECURSIVE above (id) AS (
               SELECT parent FROM invocations WHERE key = ?
               UNION SELECT i.parent FROM invocations i JOIN above ON i.id = above.id
           )
           SELECT 1 FROM jobs j JOIN invocations i ON i.key = j.invocation_key
           WHERE j.id = ? AND i.id IN (SELECT id FROM above WHERE id <> '')""",
        (job.invocation_key, claim.job_id),
    ).fetchone()
    return row is not None
