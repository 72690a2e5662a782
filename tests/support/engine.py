"""A repository's job engine in a test's sandbox: the real store, hand-offs and coordinator.

Rows are written through bough's own code and read back by plain SQL (`tests.support.store`).
"""

from __future__ import annotations

import os
import pickle
import secrets
import signal
import sqlite3
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil

from bough.coordinator import clock, handoff, kernel, places, processes, spawn
from bough.coordinator.handoff import Handoff, JobOrder
from bough.coordinator.ipc import client
from bough.coordinator.model import (
    ACTIVE,
    Job,
    JobSpec,
    NewInvocation,
    NewJob,
    Owner,
    ProcessIdentity,
    Status,
)
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import policy, schemas
from tests.support import store
from tests.support.store import Row
from tests.support.waiting import wait_until

T = TypeVar("T")

PATIENCE_S = 20.0


def new_invocation(**known: Any) -> NewInvocation:
    """A firing by this very process, with what is `known` of it."""
    fields: dict[str, Any] = {
        "id": secrets.token_hex(8),
        "event": "post-checkout",
        "command": "bough test",
        "worktree_name": "tree",
        "worktree_path": "/tree",
        "branch": "main",
        "commit": "0" * 40,
        "created_at": clock.now_ms(),
        "owner": processes.own_identity(),
    }
    return NewInvocation(**(fields | known))


def spec(name: str, script: str = "true", **known: Any) -> JobSpec:
    """A job that runs `script` with /bin/sh in the current folder."""
    fields: dict[str, Any] = {
        "argv": ("/bin/sh", "-c", script),
        "cwd": os.getcwd(),
        "command_text": script,
    }
    return JobSpec(name=name, **(fields | known))


def job(name: str = "job", **known: Any) -> Job:
    """A row as a value; nothing of it is stored. `spec_…` are fields of its spec."""
    of_spec = {key: known.pop(f"spec_{key}") for key in _spec_fields(known)}
    fields: dict[str, Any] = {
        "id": 1,
        "invocation_key": 1,
        "invocation": "0123456789abcdef",
        "event": "post-checkout",
        "command": "bough test",
        "worktree_name": "tree",
        "worktree_path": "/tree",
        "branch": "main",
        "commit": "",
        "handoff_path": "",
        "name": name,
        "attempt": 1,
        "retry_of": None,
        "ordinal": 0,
        "owner": Owner.BACKGROUND,
        "status": Status.QUEUED,
        "reason": "",
        "skip_class": None,
        "version": 0,
        "spec": spec(name, **of_spec),
        "process": None,
        "pgid": None,
        "exit_code": None,
        "signal": None,
        "queued_at": 0,
        "not_before": None,
        "started_at": None,
        "finished_at": None,
        "log_path": "",
        "log_bytes": None,
        "log_lines": None,
    }
    return Job(**(fields | known))


def _spec_fields(known: Mapping[str, Any]) -> list[str]:
    return [key.removeprefix("spec_") for key in known if key.startswith("spec_")]


def background(name: str, script: str = "true", **known: Any) -> NewJob:
    """A row of the coordinator's."""
    return NewJob(spec=spec(name, script, **known), owner=Owner.BACKGROUND)


def foreground(name: str, script: str = "true", **known: Any) -> NewJob:
    """A row of the command's."""
    return NewJob(spec=spec(name, script, **known), owner=Owner.FOREGROUND)


class Engine:
    """One repository's state folder in the sandbox."""

    def __init__(self, state: Path, name: str = "repository") -> None:
        self.state = state
        self.places = places.for_repository(name)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection as commands have it."""
        with closing(schemas.write_repository(self.places)) as connection:
            yield connection

    def set(self, **knobs: int) -> None:
        """State settings: `max_parallel`, `idle_exit_ms`."""
        with self.writing() as connection:
            policy.state(connection, knobs, source="test", commit="")

    def hand_off(
        self,
        *jobs: NewJob,
        env: Mapping[str, str] | None = None,
        wake: bool = True,
        **invocation: Any,
    ) -> tuple[Job, ...]:
        """Do what a command does: the hand-off, then the rows, then the wake."""
        new = new_invocation(**invocation)
        orders = {job.spec.name: JobOrder(argv=job.spec.argv, env=job.spec.env) for job in jobs}
        surroundings = dict(os.environ) if env is None else {**os.environ, **env}
        path = handoff.write(
            self.places, new.id, Handoff(env=surroundings, umask=0o022, jobs=orders)
        )
        with self.writing() as connection:
            made = rows.insert(connection, replace(new, handoff_path=path), jobs, "command")
        if wake:
            self.wake()
        return made

    def wake(self) -> None:
        """Have the queue looked at, by a new coordinator if there is none."""
        spawn.wake(self.places)

    def rows(self, name: str | None = None) -> list[Row]:
        """All rows, or all attempts of the jobs with this name."""
        database = Path(self.places.database)
        return [
            row
            for row in store.job_rows(self.state)
            if row["database"] == database and name in (None, row["name"])
        ]

    def row(self, name: str) -> Row:
        """The newest row of this name, the last attempt first."""
        return max(self.rows(name), key=lambda row: (row["invocation_key"], row["attempt"]))

    def reaches(self, name: str, *statuses: str, timeout: float = PATIENCE_S) -> Row:
        """The row of `name` as soon as it is in one of these states."""

        def there() -> Row | None:
            row = self.row(name)
            return row if row["status"] in statuses else None

        return wait_until(there, timeout=timeout, what=f"{name} to be {' or '.join(statuses)}")

    def ended(self, name: str, timeout: float = PATIENCE_S) -> Row:
        """The row of `name` once its last attempt has ended."""

        def there() -> Row | None:
            row = self.row(name)
            return None if row["status"] in ACTIVE else row

        try:
            return wait_until(there, timeout=timeout, what=f"the end of {name}")
        except AssertionError as error:
            journal = Path(self.places.log)
            told = journal.read_text(encoding="utf-8") if journal.exists() else "(no log)"
            raise AssertionError(f"{error}; the coordinator's log:\n{told}") from None

    def all_ended(self, timeout: float = PATIENCE_S) -> list[Row]:
        """All rows once none of them is active."""

        def there() -> list[Row] | None:
            found = self.rows()
            return None if any(row["status"] in ACTIVE for row in found) else found

        return wait_until(there, timeout=timeout, what="the end of all jobs")

    def job(self, name: str) -> Job:
        """The newest row of this name as bough's own value."""
        with self.writing() as connection:
            return rows.by_ids(connection, [self.row(name)["id"]])[0]

    def path(self, name: str) -> list[str]:
        """The statuses that the newest row of this name has had, in order."""
        return store.job_path(self.row(name))

    def log(self, name: str) -> list[dict[str, Any]]:
        """The records of the newest row's log."""
        return store.log_records(self.row(name)["log"])

    def output(self, name: str) -> str:
        """What it printed, as text."""
        kinds = ("stdout", "stderr")
        return "".join(
            record["data"] + ("" if record.get("nonl") else "\n")
            for record in self.log(name)
            if record["kind"] in kinds
        )

    def folder(self, name: str) -> Path:
        """The newest row's own folder."""
        log: Path = self.row(name)["log"]
        return log.parent

    def handoffs(self) -> list[Path]:
        """The hand-offs that lie in the runtime folder."""
        return sorted(Path(places.runtime_root()).glob("handoff*/*"))

    def coordinator(self) -> int | None:
        """The process id of the coordinator that serves now."""
        info = client.read_info(self.places)
        if info is None or kernel.start_ticks(info["pid"]) != info["start_ticks"]:
            return None
        return int(info["pid"])

    def served(self) -> int:
        """The process id of the coordinator, as soon as one serves."""

        def there() -> int | None:
            pid = self.coordinator()
            connection = client.connect(self.places) if pid else None
            if connection is None:
                return None
            connection.close()
            return pid

        return wait_until(there, what="a coordinator")

    def unserved(self, timeout: float = PATIENCE_S) -> None:
        """Return when the coordinator has gone."""
        wait_until(lambda: self.coordinator() is None, timeout=timeout, what="its idle exit")

    def kill_coordinator(self) -> None:
        """SIGKILL, as soon as there is one; returns when it is gone."""
        kill(self.served())

    def supervisor(self, name: str) -> int:
        """The process that owns the running background job."""
        return psutil.Process(self.row(name)["pid"]).ppid()

    def journal(self) -> str:
        """What coordinators wrote into their log."""
        return Path(self.places.log).read_text(encoding="utf-8")


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send the signal and return when the process is gone."""
    os.kill(pid, number)
    gone(pid)


def gone(pid: int) -> None:
    """Return when the process is gone (or a zombie)."""
    wait_until(lambda: kernel.start_ticks(pid) is None, what=f"the end of process {pid}")


def group_gone(pgid: int) -> None:
    """Return when no process of the group lives."""
    wait_until(lambda: not kernel.group_members(pgid), what=f"the end of group {pgid}")


def forked(function: Callable[[], object]) -> int:
    """Run `function` in a fork, in a session of its own; its process id.

    The fork exits with 0, or with 1 and a traceback on stderr.
    """
    pid = _fork()
    if pid == 0:
        code = 1
        try:
            os.setsid()
            function()
            code = 0
        except BaseException:  # noqa: BLE001  a fork must never return into pytest
            traceback.print_exc(file=sys.stderr)
            sys.stderr.flush()
        finally:
            os._exit(code)
    return pid


def exit_of(pid: int, timeout: float = PATIENCE_S) -> int:
    """The exit code of a fork, minus the signal if one ended it, as soon as it has ended."""

    def there() -> tuple[int] | None:
        done, status = os.waitpid(pid, os.WNOHANG)
        return (os.waitstatus_to_exitcode(status),) if done else None

    return wait_until(there, timeout=timeout, what=f"the end of fork {pid}")[0]


def at_once(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Run each function in a process of its own, all let go at the same moment.

    Values have to survive pickling; an exception in one is raised here as AssertionError.
    """
    gate_read, gate_write = os.pipe()
    pids = []
    answers = []
    for function in functions:
        read, write = os.pipe()
        pid = _fork()
        if pid == 0:
            os.close(gate_write)
            _answer(function, gate_read, write)
        os.close(write)
        pids.append(pid)
        answers.append(read)
    os.close(gate_read)
    os.close(gate_write)
    results: list[T] = []
    problems: list[str] = []
    for read in answers:
        with os.fdopen(read, "rb") as stream:
            good, value = pickle.loads(stream.read())  # noqa: S301  our own fork wrote it
        (results if good else problems).append(value)
    for pid in pids:
        os.waitpid(pid, 0)
    assert not problems, problems[0]
    return results


def _answer(function: Callable[[], object], gate: int, answer: int) -> None:
    try:
        os.read(gate, 1)  # ends when the parent closes its side
        data = pickle.dumps((True, function()))
    except BaseException:  # noqa: BLE001  a fork must never return into pytest
        data = pickle.dumps((False, traceback.format_exc()))
    with os.fdopen(answer, "wb") as stream:
        stream.write(data)
    os._exit(0)


def _fork() -> int:
    with warnings.catch_warnings():
        # The fork calls one function and leaves; no lock of another thread is met.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def dead_process() -> ProcessIdentity:
    """The identity of a process that has been, and is no more."""
    pid = _fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    identity = processes.identify(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert identity is not None, "it was alive when it was asked"
    return identity
