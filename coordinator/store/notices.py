"""Failures of background jobs that nobody has been told of yet; each is told once.

What counts is the end of a job's last attempt, as an event; telling moves a mark over the events,
so it costs nothing as history grows. A job that may fail, one that declares `silent` and one that a
person cancelled are no news; one whose environment was lost is.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from bough.coordinator.model import Job
from bough.coordinator.store.connection import snapshot, transaction
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


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Failed background jobs that have not been told, oldest first; `upto` is what `told` takes."""

    jobs: tuple[Job, ...]
    upto: int


def untold(connection: sqlite3.Connection) -> News:
    """What has failed since somebody was told last."""
    with snapshot(connection):
        row = connection.execute("SELECT told_to FROM notices").fetchone()
        last = connection.execute("SELECT coalesce(max(id), 0) AS id FROM job_events").fetchone()
        parameters = {"told_to": row["told_to"] if row else 0, "lost": ENVIRONMENT_LOST}
        ids = [found["id"] for found in connection.execute(_UNTOLD, parameters)]
        return News(jobs=by_ids(connection, ids), upto=last["id"])


def told(connection: sqlite3.Connection, news: News) -> None:
    """From now on only what ended after this look is news."""
    with transaction(connection):
        connection.execute(
            """INSERT INTO notices (only_row, told_to) VALUES (1, ?)
               ON CONFLICT (only_row)
               DO UPDATE SET told_to = max(told_to, excluded.told_to)""",
            (news.upto,),
        )
