"""Kill one of bough's processes, or a job: the one that bough itself has on record.

Every process is identified before it is signalled: by what its row says of its start, by its
command line, or by its session.
"""

from __future__ import annotations

import json
import os
import signal

import psutil

from bough.coordinator import kernel
from tests.support import leaks, store
from tests.support.scenarios.schema import JobName, Kill
from tests.support.scenarios.world import StepFailed, World
from tests.support.waiting import wait_until

PATIENCE_S = 10.0


def kill(world: World, action: Kill) -> None:
    """SIGKILL for what `action` names, as soon as it is there; returns when it is gone."""
    finders = {
        "coordinator": _coordinator,
        "supervisor": _supervisor,
        "job": _job,
        "command": _command,
    }
    finder = finders[action.what]
    try:
        pid = wait_until(lambda: finder(world, action), timeout=PATIENCE_S, what=action.what)
    except AssertionError as error:
        raise StepFailed(f"nothing to kill: {error}") from error
    if action.what == "job":
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: kernel.start_ticks(pid) is None, what=f"the end of process {pid}")


def find_job(world: World, job: JobName) -> store.Row | None:
    """The newest row that `job` means, its highest attempt first."""
    found = [
        row
        for row in store.job_rows(world.sandbox.state)
        if row["name"] == job.name
        and job.event in (None, row["event"])
        and job.worktree in (None, row["worktree_name"])
        and job.attempt in (None, row["attempt"])
    ]
    return max(found, key=lambda row: (row["invocation_key"], row["attempt"]), default=None)


def _coordinator(world: World, _action: Kill) -> int | None:
    for info in world.sandbox.state.glob("repos/*/coordinator.json"):
        try:
            pid = int(json.loads(info.read_bytes())["pid"])
            process = psutil.Process(pid)
            if process.environ().get(leaks.MARKER) == world.sandbox.marker:
                return pid
        except (OSError, ValueError, KeyError, psutil.Error):
            continue  # being written, or about to go
    return None


def _job(world: World, action: Kill) -> int | None:
    """The group of a running job, whose row says which process leads it."""
    row = _row(world, action)
    if row is None or row["status"] not in {"running", "cancelling"} or row["pid"] is None:
        return None
    alive = kernel.start_ticks(row["pid"]) == row["start_ticks"]
    return int(row["pgid"]) if alive and row["boot_id"] == kernel.boot_id() else None


def _supervisor(world: World, action: Kill) -> int | None:
    """The process whose last word is the job's folder."""
    row = _row(world, action)
    if row is None or row["log"] is None:
        return None
    for process in leaks.survivors(world.sandbox.marker, frozenset()):
        try:
            if process.cmdline()[-1:] == [str(row["log"].parent)]:
                return process.pid
        except psutil.Error:
            continue
    return None


def _command(world: World, action: Kill) -> int | None:
    """The process of bough's in a step's session that fired the newest invocation."""
    session = world.command(action.step or "").pid
    for row in reversed(store.job_rows(world.sandbox.state)):
        pid = row["owner_pid"]
        if kernel.start_ticks(pid) == row["owner_ticks"] and os.getsid(pid) == session:
            return int(pid)
    return None


def _row(world: World, action: Kill) -> store.Row | None:
    return find_job(world, action.job) if action.job else None
