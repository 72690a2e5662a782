"""Rows of jobs that no command has written: in any state, of any age. The test's own SQL.

A row that is not finished names a process that has ended: it is what a crash leaves behind.
"""

from __future__ import annotations

import secrets
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from bough.coordinator import kernel
from bough.coordinator.model import ACTIVE, JobSpec, Status
from bough.coordinator.places import job_folder
from bough.coordinator.store.specs import to_json
from tests.support import store
from tests.support.repos import Repo
from tests.support.scenarios.schema import Age, Rows
from tests.support.scenarios.world import StepFailed, World

NEW_ROW_COLUMNS = ("name", "status", "owner", "reason", "skip_class", "exit_code", "signal")
"""What a scenario may say of a row: `name` and `status`, and whatever else matters to it."""


_INSERT_INVOCATION = """
    INSERT INTO invocations (id, event, command, worktree_name, worktree_path, branch, commit_id,
        created_at, owner_pid, owner_ticks, owner_boot)
    VALUES (:invocation, :event, 'scenario', :worktree_name, :worktree_path, :branch, '',
        :now, :pid, :start_ticks, :boot_id)
"""
_INSERT_JOB = """
    INSERT INTO jobs (invocation_key, name, ordinal, owner, status, reason, skip_class, spec_json,
        pid, start_ticks, boot_id, pgid, exit_code, signal, queued_at, started_at, finished_at,
        log_path, retention_s)
    VALUES (:invocation_key, :name, :ordinal, :owner, :status, :reason, :skip_class, :spec_json,
        :pid, :start_ticks, :boot_id, :pid, :exit_code, :signal, :now, :started_at, :finished_at,
        :log_path, :retention_s)
"""
_INSERT_EVENT = "INSERT INTO job_events (job_id, to_status, at, by) VALUES (?, ?, ?, 'scenario')"

_AGE = (
    "UPDATE invocations SET created_at = created_at - :by WHERE key = :key",
    """UPDATE jobs SET queued_at = queued_at - :by, started_at = started_at - :by,
        finished_at = finished_at - :by WHERE invocation_key = :key""",
    """UPDATE job_events SET at = at - :by WHERE job_id IN
        (SELECT id FROM jobs WHERE invocation_key = :key)""",
)


def insert(world: World, action: Rows) -> None:
    """One more invocation, fired now, with the rows of `action`."""
    folder = world.folder(action.folder)
    invocation = {
        "invocation": secrets.token_hex(8),
        "event": action.event,
        "worktree_name": folder.name,
        "worktree_path": str(folder),
        "branch": Repo(path=folder).out("branch", "--show-current"),
        "now": time.time_ns() // 1_000_000,
        **_ended_process(),
    }
    with closing(_writing(world)) as connection, connection:
        key = connection.execute(_INSERT_INVOCATION, invocation).lastrowid
        for ordinal, job in enumerate(action.jobs):
            row = _row(job, invocation) | {"invocation_key": key, "ordinal": ordinal}
            job_id = connection.execute(_INSERT_JOB, row).lastrowid
            connection.execute(_INSERT_EVENT, (job_id, row["status"], row["now"]))


def _row(job: Mapping[str, Any], invocation: Mapping[str, Any]) -> dict[str, Any]:
    spec = JobSpec(
        name=job["name"], argv=("true",), cwd=invocation["worktree_path"], command_text="true"
    )
    status = Status(job["status"])
    now = invocation["now"]
    row: dict[str, Any] = {
        **invocation,
        "owner": "background",
        "reason": "",
        "skip_class": None,
        "exit_code": None,
        "signal": None,
        **job,
        "spec_json": to_json(spec),
        "started_at": None if status in {Status.QUEUED, Status.SKIPPED} else now,
        "finished_at": None if status in ACTIVE else now,
        "log_path": f"{job_folder(invocation['invocation'], spec.name, 1)}/output.jsonl",
        "retention_s": spec.retention_s,
    }
    if status not in {Status.RUNNING, Status.CANCELLING}:
        row |= {"pid": None, "start_ticks": None, "boot_id": None}
    return row


def age(world: World, action: Age) -> None:
    """Move every time of the newest invocation, or of all, into the past."""
    limit = 1 if action.invocation == "last" else -1
    with closing(_writing(world)) as connection, connection:
        keys = connection.execute(
            "SELECT key FROM invocations ORDER BY key DESC LIMIT ?", (limit,)
        ).fetchall()
        for (key,) in keys:
            for statement in _AGE:
                connection.execute(statement, {"key": key, "by": round(action.by * 1000)})


def _writing(world: World) -> sqlite3.Connection:
    found = store.databases(world.sandbox.state)
    if len(found) != 1:
        raise StepFailed(
            f"rows need the one database that a step before has made; there are {len(found)}"
        )
    return sqlite3.connect(found[0], timeout=5)


def _ended_process() -> dict[str, Any]:
    """The identity of a process that has been, and is no more."""
    with subprocess.Popen(["sleep", "60"]) as process:
        ticks = kernel.start_ticks(process.pid)
        process.kill()
    return {"pid": process.pid, "start_ticks": ticks, "boot_id": kernel.boot_id()}
