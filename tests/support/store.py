"""What bough has recorded, read by means of its own: plain SQL and plain JSON, never bough's code.

A test that reads through the code under test would agree with its mistakes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROW_COLUMNS = (
    "name",
    "status",
    "reason",
    "skip_class",
    "owner",
    "attempt",
    "ordinal",
    "exit_code",
    "signal",
    "event",
    "command",
    "invocation",
    "parent",
    "worktree_name",
    "worktree_path",
    "branch",
)
"""What an expectation may ask of a row."""

_ROWS = """
    SELECT j.*, i.id AS invocation, i.event, i.command, i.parent, i.worktree_name, i.worktree_path,
           i.branch, i.owner_pid, i.owner_ticks, i.owner_boot, i.created_at
    FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    ORDER BY j.invocation_key, j.ordinal, j.attempt
"""

Row = dict[str, Any]


def databases(state: Path) -> list[Path]:
    """The databases of all repositories below a state folder."""
    return sorted(state.glob("repos/*/coordinator.db"))


def job_rows(state: Path) -> list[Row]:
    """All rows of jobs in order of firing, with what their invocation says; `log` is a path."""
    found = []
    for database in databases(state):
        for row in _query(database, _ROWS):
            log = database.parent / row["log_path"] if row["log_path"] else None
            found.append({**row, "database": database, "log": log})
    return found


def job_path(row: Row) -> list[str]:
    """The statuses that the row of `job_rows` has had, in order."""
    events = _query(
        row["database"],
        "SELECT to_status FROM job_events WHERE job_id = ? ORDER BY id",
        (row["id"],),
    )
    return [event["to_status"] for event in events]


def log_records(log: Path) -> list[dict[str, Any]]:
    """The records of a log in order; AssertionError if `seq` does not grow.

    A last line without its newline is still being written, and is not yet a record.
    """
    whole = log.read_bytes().rpartition(b"\n")[0]
    records = [json.loads(line) for line in whole.splitlines()]
    numbers = [record["seq"] for record in records]
    assert numbers == sorted(set(numbers)), f"{log}: seq does not grow: {numbers}"
    return records


def _query(database: Path, sql: str, values: tuple[object, ...] = ()) -> list[Row]:
    with reading(database) as connection:
        return [dict(row) for row in connection.execute(sql, values)]


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that leaves no file beside the database."""
    mode = "mode=ro" if database.with_name(f"{database.name}-wal").exists() else "immutable=1"
    uri = f"file:{quote(str(database))}?{mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        yield connection
