"""Consent: which fingerprints the user trusts in which repository, with an audit line for each act.

A grant is for one part of a configuration (`tracked` or `local`) with one fingerprint, or `always`
for a repository whatever it says; `always` counts only while the repository is where it was.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from bough.coordinator import clock
from bough.coordinator.store.connection import transaction
from bough.coordinator.store.text import bound

ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One act of consent. `content` is what was shown, the base of the next prompt's diff."""

    repository: str
    path: str
    part: str
    fingerprint: str
    granted_at: int
    content: str


def grant(
    connection: sqlite3.Connection,
    *,
    repository: str,
    path: str,
    part: str,
    fingerprint: str,
    content: str,
    how: str,
) -> None:
    """Record consent and its audit line; the same consent again changes nothing but the audit."""
    now = clock.now_ms()
    with transaction(connection):
        connection.execute(
            """INSERT INTO grants (repository, path, part, fingerprint, granted_at, content)
               VALUES (?, CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT))
               ON CONFLICT (repository, part, fingerprint)
               DO UPDATE SET path = excluded.path, granted_at = excluded.granted_at,
                   content = excluded.content""",
            (repository, bound(path), part, fingerprint, now, bound(content)),
        )
        _audit(connection, "grant", (repository, path, part, fingerprint), how, now)


def revoke(connection: sqlite3.Connection, *, repository: str, path: str, how: str) -> int:
    """Withdraw all consent for a repository; returns how many grants there were."""
    now = clock.now_ms()
    with transaction(connection):
        rows = connection.execute(
            "SELECT part, fingerprint FROM grants WHERE repository = ?", (repository,)
        ).fetchall()
        connection.execute("DELETE FROM grants WHERE repository = ?", (repository,))
        for row in rows:
            known = (repository, path, row["part"], row["fingerprint"])
            _audit(connection, "revoke", known, how, now)
    return len(rows)


def _audit(
    connection: sqlite3.Connection,
    action: str,
    what: tuple[str, str, str, str],
    how: str,
    now: int,
) -> None:
    repository, path, part, fingerprint = what
    connection.execute(
        """INSERT INTO audit (at, action, repository, path, part, fingerprint, how)
           VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?, ?)""",
        (now, action, repository, bound(path), part, fingerprint, how),
    )


def grants(connection: sqlite3.Connection, repository: str | None = None) -> tuple[Grant, ...]:
    """All grants, or one repository's, newest first."""
    rows = connection.execute(
        """SELECT * FROM grants WHERE (:repository IS NULL OR repository = :repository)
           ORDER BY granted_at DESC, id DESC""",
        {"repository": repository},
    )
    return tuple(
        Grant(
            repository=row["repository"],
            path=row["path"],
            part=row["part"],
            fingerprint=row["fingerprint"],
            granted_at=row["granted_at"],
            content=row["content"],
        )
        for row in rows
    )
