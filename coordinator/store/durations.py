"""How long jobs took: a read of the history, for estimates."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from statistics import median_low

from bough.coordinator.store.connection import snapshot
from bough.coordinator.store.text import bound

_LATEST = 50
_TOOK = """
    SELECT j.finished_at - j.started_at AS took
    FROM jobs j JOIN invocations i ON i.key = j.invocation_key
    WHERE j.name = CAST(? AS TEXT) AND i.event = CAST(? AS TEXT) AND j.status = 'succeeded'
      AND j.started_at IS NOT NULL AND j.finished_at >= j.started_at
    ORDER BY j.id DESC LIMIT ?
"""


def medians(connection: sqlite3.Connection, event: str, names: Iterable[str]) -> dict[str, int]:
    """The median duration in milliseconds of the last successful runs of each job of an event.

    At most 50 runs count; jobs without any are left out.
    """
    found = {}
    with snapshot(connection):
        for name in names:
            rows = connection.execute(_TOOK, (bound(name), bound(event), _LATEST)).fetchall()
            if rows:
                found[name] = median_low(row["took"] for row in rows)
    return found
