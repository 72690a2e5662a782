"""Run an invocation's foreground jobs to their ends: fork, log, echo, record, in one thread.

The command owns its foreground rows. A job starts the moment its needs are done; each is forked
behind its gate, its identity committed as `running`, then released. Ctrl-C stops the groups of what
runs and cancels what is queued, except `when: always`; a second one kills and cancels that, too.

Invariants: every foreground row that this command knows of is terminal when `run` returns, and no
group of it runs on when `run` raises. A database that fails on the way stops no job: the rest of
the rows are then known to this command alone.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bough.coordinator import child, clock, jobfolder, recovery
from bough.coordinator.attachment import Attachment
from bough.coordinator.errors import CoordinatorError, StaleJob, StoreError
from bough.coordinator.execution import Execution, Limits, conclude_log, not_executed
from bough.coordinator.handoff import JobOrder
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.model import Change, Job, Owner, Status, When
from bough.coordinator.places import PlaceError, StatePlaces
from bough.coordinator.processes import identify
from bough.coordinator.pump import Pump
from bough.coordinator.scheduling import Locked, decide
from bough.coordinator.secrets import secret_values
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import locks
from bough.coordinator.supervisor import CANCEL_FILE
from bough.coordinator.transitions import changed
from bough.hooks.happenings import Ended, Noted, Observer, Printed, Started, Waiting

BY = "command"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ATTACH_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What foreground jobs run with: the environment, and each job's own order."""

    env: Mapping[str, str]
    umask: int
    orders: Mapping[str, JobOrder]
    succeeded: Callable[[str], str] = field(default=lambda _job: "")
    """Called with the name of a job whose command has succeeded; why the job has failed after
    all, or ''."""


class Runner:
    """Drives the foreground rows of one invocation; `run` returns when all of them have ended."""

    def __init__(
        self,
        places: StatePlaces,
        connection: sqlite3.Connection,
        planned: tuple[Job, ...],
        surroundings: Surroundings,
        attachment: Attachment | None,
        observe: Observer,
    ) -> None:
        self._places = places
        self._connection = connection
        self._jobs = {job.name: job for job in planned}
        self._key = planned[0].invocation_key
        self._surroundings = surroundings
        self._attachment = attachment
        self._observe = observe
        self._running: dict[Execution, Job] = {}
        self._needed_behind = {
            need
            for job in planned
            if job.owner is Owner.BACKGROUND
            for need in (*job.spec.needs, *job.spec.after)
        }
        self._pump = Pump(_STOP_SIGNALS)
        self._unrecorded = False
        """Whether the database has failed."""
        self.interrupts = 0
        """How often a person (or the system) asked to stop."""

    def run(self) -> tuple[Job, ...]:
        """Run to the end and return the invocation's rows as this command knows them."""
        with self._pump:
            try:
                self._run()
            except BaseException:
                # For example, nobody reads our output any more.
                self._kill()
                raise
        return tuple(self._jobs.values())

    def _run(self) -> None:
        while True:
            wake_at = self._start_ready()
            if not self._running and wake_at is None:
                return
            ended, signals = self._pump.step(self._wait_s(wake_at))
            for execution in ended:
                self._conclude(execution)
            for _number in signals:
                self._interrupt()

    def _kill(self) -> None:
        for execution in self._running:
            try:
                os.killpg(execution.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _start_ready(self) -> int | None:
        """Start and skip until nothing changes; when to look again at the latest (ms)."""
        while True:
            known = tuple(self._jobs.values())
            decision = decide(
                known,
                owner=Owner.FOREGROUND,
                now=clock.now_ms(),
                claims=locks.claims_for(self._connection, known),
            )
            for item in decision.locked:
                self._line_up(item)
            for skip in decision.skip:
                self._end(
                    skip.job,
                    Change(
                        to=Status.SKIPPED, by=BY, reason=skip.reason, skip_class=skip.skip_class
                    ),
                )
            for job in decision.start:
                self._start(job)
            # Both may have decided others: a skip its dependents, a start that failed at once too.
            if not decision.skip and not decision.start:
                return decision.wake_at

    def _line_up(self, item: Locked) -> None:
        job = item.job
        try:
            job = rows.line_up(self._connection, job, item.blockers, BY)
        except StaleJob:
            job = rows.reload(self._connection, job) or job
        self._jobs[job.name] = job
        if job.status.terminal:
            self._ended(job)
        elif job.reason != item.job.reason:
            self._observe(Waiting(job=job))

    def _start(self, job: Job) -> None:
        folder = self._folder(job)
        order = self._surroundings.orders[job.name]
        env = {
            **self._surroundings.env,
            **dict(order.env),
            jobfolder.JOB_DIR: folder,
            "BOUGH_ATTEMPT": str(job.attempt),
        }
        try:
            jobfolder.prepare(folder, order.files)
            writer = self._log(job, folder, env)
        except (OSError, PlaceError) as error:
            self._finish(job, not_executed(f"cannot write its log: {error}"))
            return
        try:
            forked = child.fork_gated(
                order.argv, cwd=job.spec.cwd, env=env, umask=self._surroundings.umask
            )
        except OSError as error:
            self._fail(job, writer, f"cannot start a process: {error.strerror}")
            return
        running = self._move(
            job,
            Change(
                to=Status.RUNNING,
                by=BY,
                process=identify(forked.pid),
                pgid=forked.pid,
                started_at=clock.now_ms(),
            ),
        )
        if running is None:
            # Cancelled from another terminal while it was queued, or outrun to a lock.
            forked.abandon()
            writer.close()
            if self._jobs[job.name].status.terminal:
                self._ended(self._jobs[job.name])
            return
        writer.status("started", job.spec.command_text, pid=forked.pid, **job.log_identity)
        problem = forked.release()
        if problem:
            forked.discard()
            self._observe(Started(job=running))
            self._fail(running, writer, problem)
            return
        spec = job.spec
        limits = Limits(spec.timeout_ms, spec.idle_timeout_ms, spec.grace_ms)
        execution = Execution(forked, writer, limits, f"{folder}/{CANCEL_FILE}", time.monotonic())
        # Known before it is told: whoever is told may fail, and then it must not run on.
        self._running[execution] = running
        self._pump.add(execution)
        self._observe(Started(job=running))

    def _log(self, job: Job, folder: str, env: Mapping[str, str]) -> LogWriter:
        return LogWriter(
            f"{folder}/{os.path.basename(job.log_path)}",
            max_size=job.spec.log.max_size,
            sample_every=job.spec.log.sample_every,
            secrets=[os.fsencode(secret) for secret in secret_values(env)],
            sink=lambda kind, line: self._observe(Printed(job=job, kind=kind, line=line)),
        )

    def _folder(self, job: Job) -> str:
        return os.path.dirname(self._places.absolute(job.log_path))

    def _conclude(self, execution: Execution) -> None:
        assert execution.outcome is not None
        job, outcome = self._running.pop(execution), execution.outcome
        if outcome["status"] == "finished" and outcome["exit_code"] == 0:
            problem = self._surroundings.succeeded(job.name)
            if problem:
                outcome = {**outcome, "exit_code": 1, "reason": problem}
        self._finish(job, outcome)

    def _fail(self, job: Job, writer: LogWriter, problem: str) -> None:
        outcome = not_executed(problem)
        conclude_log(writer, outcome)
        self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Mapping[str, Any]) -> None:
        """Record how an attempt ended, on the row as it is now."""
        while not job.status.terminal:
            moved = self._move(job, recovery.concluded(job.status, outcome, by=BY))
            # Stale: another terminal is cancelling it, or has done so.
            job = self._jobs[job.name] if moved is None else moved
        self._ended(job)

    def _end(self, job: Job, change: Change) -> None:
        """End a queued job, unless somebody else just did."""
        self._ended(self._move(job, change) or self._jobs[job.name])

    def _ended(self, job: Job) -> None:
        retrying = False
        if job.retries_left and job.status in {Status.FAILED, Status.TIMED_OUT}:
            latest = self._latest(job)
            self._jobs[job.name] = latest
            retrying = latest.attempt > job.attempt
        self._observe(Ended(job=job, retrying=retrying))
        if job.name in self._needed_behind and not retrying:
            self._wake()

    def _latest(self, job: Job) -> Job:
        """The row of the job's last attempt: another than `job` if a retry was queued."""
        if self._unrecorded:
            return job
        latest = rows.of_invocation(self._connection, self._key)
        return next(row for row in latest if row.name == job.name)

    def _move(self, job: Job, change: Change) -> Job | None:
        """Apply a change; None when another process has moved the row, which is then reloaded."""
        moved: Job | None = None
        if not self._unrecorded:
            try:
                moved = rows.move(self._connection, job, change)
            except StaleJob:
                now = rows.reload(self._connection, job)
                if now is not None:
                    self._jobs[job.name] = now
                    return None
            except StoreError as error:
                self._unrecorded = True
                text = f"the rest of this run is not recorded: {error.message}"
                self._observe(Noted(text=text, hint=error.hint))
        self._jobs[job.name] = moved or changed(job, change)
        return self._jobs[job.name]

    def _wake(self) -> None:
        if self._attachment is None:
            return
        try:
            self._attachment.wake()
        except CoordinatorError as error:
            self._observe(Noted(text=error.message, hint=error.hint))

    def _interrupt(self) -> None:
        self.interrupts += 1
        for execution, job in tuple(self._running.items()):
            if job.status is Status.RUNNING:
                moved = self._move(job, Change(to=Status.CANCELLING, by=BY, reason="interrupted"))
                self._running[execution] = moved or self._jobs[job.name]
            jobfolder.request_cancel(self._folder(job))
            execution.stop("interrupted", time.monotonic())
            if self.interrupts > 1:
                execution.stop("interrupted", time.monotonic())
        for job in tuple(self._jobs.values()):
            queued = job.owner is Owner.FOREGROUND and job.status is Status.QUEUED
            if queued and (self.interrupts > 1 or job.spec.when is not When.ALWAYS):
                self._end(job, Change(to=Status.CANCELLED, by=BY, reason="interrupted"))

    def _wait_s(self, wake_at: int | None) -> float | None:
        waits = []
        if wake_at is not None:
            waits.append(max(0.0, (wake_at - clock.now_ms()) / 1000))
        if self._attachment is not None and not self._attachment.attached and self._needed_behind:
            # A coordinator that is still starting cannot be tied to yet.
            self._attachment.attach()
            waits.append(_ATTACH_PAUSE_S)
        return min(waits, default=None)
