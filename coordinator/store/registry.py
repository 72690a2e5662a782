"""What bough is about to change itself, so that it is not taken for somebody else's doing.

A change is expected by a row with the identity of the command that makes it, and consumed once. A
row whose command has died means nothing any more.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from bough.coordinator import clock, processes
from bough.coordinator.model import ProcessIdentity
from bough.coordinator.store.connection import transaction
from bough.coordinator.store.text import bound


class Kind(StrEnum):
    """The changes to a path that are announced."""

    CREATE = "create"
    REMOVE = "remove"
    MOVE = "move"


def expect(connection: sqlite3.Connection, kind: Kind, path: str) -> None:
    """Announce that this process is about to make a change at `path`."""
    me = processes.own_identity()
    with transaction(connection):
        connection.execute(
            """INSERT INTO expected_changes
                   (kind, path, created_at, owner_pid, owner_ticks, owner_boot)
               VALUES (?, CAST(? AS TEXT), ?, ?, ?, ?)""",
            (kind, bound(path), clock.now_ms(), me.pid, me.start_ticks, me.boot_id),
        )


def withdraw(connection: sqlite3.Connection, kind: Kind, path: str) -> None:
    """Take an announcement back: the change was seen through, or did not happen."""
    with transaction(connection):
        _delete(connection, kind, path)


def consume(connection: sqlite3.Connection, kind: Kind, path: str) -> bool:
    """Whether a living process has announced this change; the announcement is used up."""
    with transaction(connection):
        rows = connection.execute(
            """SELECT owner_pid, owner_ticks, owner_boot FROM expected_changes
               WHERE kind = ? AND path = CAST(? AS TEXT)""",
            (kind, bound(path)),
        ).fetchall()
        _delete(connection, kind, path)
    owners = (
        ProcessIdentity(
            pid=row["owner_pid"], start_ticks=row["owner_ticks"], boot_id=row["owner_boot"]
        )
        for row in rows
    )
    return any(processes.alive(owner) for owner in owners)


def _delete(connection: sqlite3.Connection, kind: Kind, path: str) -> None:
    connection.execute(
        "DELETE FROM expected_changes WHERE kind = ? AND path = CAST(? AS TEXT)",
        (kind, bound(path)),
    )
