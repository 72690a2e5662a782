"""Failures of background jobs that nobody has been told of yet; each is told once.

What counts is the end of a job's last attempt, as an event; telling moves a mark over the events,
so it costs nothing as history grows. A job that may fail, one that declares `silent` and one that a
person cancelled are no news; one whose environment was lost is.
"""

from __future__ import annotations

import sqlite3

from bough.coordinator.model import Job
from bough.coordinator.store.connection import transaction
from bough.coordinator.store.jobs import by_ids

ENVIRONMENT_LOST = "environment lost"

_UNTOLD = """
    SELECT DISTINCT j.id
    FROM job_events e JOIN jobs j ON j.id = e.job_id
    WHERE e.id > :told_to AND j.owner = 'background' AND j.status = e.to_status
      AND (e.to_status IN ('failed', 'timed_out', 'crashed')
           OR (e.to_status = 'cancelled' AND e.reason = :lost))
      AND json_extract(j.spec_json, '$.output') = 'log'
      AND NOT (e.to_status = 'failed' AND json_extract(j.spec_json, '$.allow_failure'))
      AND NOT EXISTS (
          SELECT 1 FROM jobs later WHERE later.invocation_key = j.invocation_key
            AND later.name = j.name AND later.attempt > j.attempt)
    ORDER BY e.id
"""


def untold(connection: sqlite3.Connection) -> tuple[Job, ...]:
    """The failed background jobs that have not been told, oldest first."""
    row = connection.execute("SELECT told_to FROM notices").fetchone()
    parameters = {"told_to": row["told_to"] if row else 0, "lost": ENVIRONMENT_LOST}
    return by_ids(connection, [row["id"] for row in connection.execute(_UNTOLD, parameters)])


def mark_told(connection: sqlite3.Connection) -> None:
    """From now on only what ends later is news."""
    with transaction(connection):
        connection.execute(
            """INSERT INTO notices (only_row, told_to)
               SELECT 1, coalesce(max(id), 0) FROM job_events WHERE true
               ON CONFLICT (only_row) DO UPDATE SET told_to = excluded.told_to"""
        )
