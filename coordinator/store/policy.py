"""The knobs that a repository's engine obeys, as trusted configurations have stated them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from bough.coordinator import clock
from bough.coordinator.store.connection import transaction
from bough.coordinator.store.text import bound

MAX_PARALLEL = "max_parallel"
IDLE_EXIT_MS = "idle_exit_ms"


def state(
    connection: sqlite3.Connection, knobs: Mapping[str, int], *, source: str, commit: str
) -> None:
    """Record what a configuration states. A knob that it does not mention keeps its value."""
    stored = all_values(connection)
    news = {name: value for name, value in knobs.items() if stored.get(name) != value}
    if not news:
        return
    with transaction(connection):
        connection.executemany(
            """INSERT INTO repo_policy (knob, value, source, commit_id, set_at)
               VALUES (?, ?, CAST(? AS TEXT), ?, ?)
               ON CONFLICT (knob) DO UPDATE SET value = excluded.value, source = excluded.source,
                   commit_id = excluded.commit_id, set_at = excluded.set_at""",
            [(name, value, bound(source), commit, clock.now_ms()) for name, value in news.items()],
        )


def all_values(connection: sqlite3.Connection) -> dict[str, int]:
    """The stored knobs."""
    return {
        row["knob"]: row["value"]
        for row in connection.execute("SELECT knob, value FROM repo_policy")
    }
