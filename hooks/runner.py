"""Run an invocation's foreground jobs to their ends: fork, log, echo, record, in one thread.

The command owns its foreground rows. A job starts the moment its needs are done; each is forked
behind its gate, its identity committed as `running`, then released. Ctrl-C stops the groups of what
runs and cancels what is queued, except `when: always`; a second one kills and cancels that, too.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bough.coordinator import child, clock, jobfolder, recovery
from bough.coordinator.attachment import Attachment
from bough.coordinator.errors import CoordinatorError, StaleJob
from bough.coordinator.execution import Execution, Limits, conclude_log, not_executed
from bough.coordinator.handoff import JobOrder
from bough.coordinator.launcher import started_fields
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.model import Change, Job, Owner, Status, When
from bough.coordinator.places import StatePlaces
from bough.coordinator.processes import identify
from bough.coordinator.pump import Pump
from bough.coordinator.scheduling import decide
from bough.coordinator.secrets import secret_values
from bough.coordinator.store import jobs as rows
from bough.coordinator.supervisor import CANCEL_FILE
from bough.hooks.happenings import Ended, Noted, Observer, Printed, Started

BY = "command"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ATTACH_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What foreground jobs run with: the environment, and each job's own order."""

    env: Mapping[str, str]
    umask: int
    orders: Mapping[str, JobOrder]


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
        self.interrupts = 0
        """How often a person (or the system) asked to stop."""

    def run(self) -> tuple[Job, ...]:
        """Run to the end and return the invocation's rows as this command knows them."""
        with self._pump:
            while True:
                wake_at = self._start_ready()
                if not self._running and wake_at is None:
                    return tuple(self._jobs.values())
                ended, signals = self._pump.step(self._wait_s(wake_at))
                for execution in ended:
                    self._conclude(execution)
                for _number in signals:
                    self._interrupt()

    def _start_ready(self) -> int | None:
        """Start and skip until nothing changes; when to look again at the latest (ms)."""
        while True:
            decision = decide(
                tuple(self._jobs.values()), owner=Owner.FOREGROUND, now=clock.now_ms()
            )
            for skip in decision.skip:
                change = Change(
                    to=Status.SKIPPED, by=BY, reason=skip.reason, skip_class=skip.skip_class
                )
                self._end(skip.job, change)
            for job in decision.start:
                self._start(job)
            # Both may have decided others: a skip its dependents, a start that failed at once too.
            if not decision.skip and not decision.start:
                return decision.wake_at

    def _start(self, job: Job) -> None:
        folder = os.path.dirname(self._places.absolute(job.log_path))
        jobfolder.prepare(folder)
        order = self._surroundings.orders[job.name]
        env = {
            **self._surroundings.env,
            **dict(order.env),
            "BOUGH_ATTEMPT": str(job.attempt),
        }
        writer = self._log(job, folder, env)
        try:
            forked = child.fork_gated(
                order.argv, cwd=job.spec.cwd, env=env, umask=self._surroundings.umask
            )
        except OSError as error:
            outcome = not_executed(f"cannot start a process: {error.strerror}")
            conclude_log(writer, outcome)
            self._end(job, recovery.concluded(job.status, outcome, by=BY))
            return
        identity = identify(forked.pid)
        change = Change(
            to=Status.RUNNING,
            by=BY,
            process=identity,
            pgid=forked.pid,
            started_at=clock.now_ms(),
        )
        running = self._move(job, change)
        if running is None:
            forked.abandon()
            writer.close()
            return
        writer.status("started", job.spec.command_text, pid=forked.pid, **started_fields(job))
        problem = forked.release()
        self._observe(Started(job=running))
        if problem:
            os.waitpid(forked.pid, 0)
            os.close(forked.stdout)
            os.close(forked.stderr)
            outcome = not_executed(problem)
            conclude_log(writer, outcome)
            self._end(running, recovery.concluded(running.status, outcome, by=BY))
            return
        spec = job.spec
        limits = Limits(spec.timeout_ms, spec.idle_timeout_ms, spec.grace_ms)
        execution = Execution(forked, writer, limits, f"{folder}/{CANCEL_FILE}", time.monotonic())
        self._running[execution] = running
        self._pump.add(execution)

    def _log(self, job: Job, folder: str, env: Mapping[str, str]) -> LogWriter:
        return LogWriter(
            f"{folder}/{os.path.basename(job.log_path)}",
            max_size=job.spec.log.max_size,
            sample_every=job.spec.log.sample_every,
            secrets=[os.fsencode(secret) for secret in secret_values(env)],
            sink=lambda kind, line: self._observe(Printed(job=job, kind=kind, line=line)),
        )

    def _conclude(self, execution: Execution) -> None:
        job = self._running.pop(execution)
        outcome = execution.outcome
        assert outcome is not None
        moved = self._move(job, recovery.concluded(job.status, outcome, by=BY))
        if moved is None:
            # Another terminal is cancelling it: the row in memory was the older one.
            job = self._jobs[job.name]
            if not job.status.terminal:
                moved = self._move(job, recovery.concluded(job.status, outcome, by=BY))
        if moved is not None:
            self._ended(moved)

    def _end(self, job: Job, change: Change) -> None:
        moved = self._move(job, change)
        if moved is not None:
            self._ended(moved)

    def _ended(self, job: Job) -> None:
        retrying = False
        if job.retries_left and job.status in {Status.FAILED, Status.TIMED_OUT}:
            latest = {row.name: row for row in rows.of_invocation(self._connection, self._key)}
            self._jobs[job.name] = latest[job.name]
            retrying = latest[job.name].attempt > job.attempt
        self._observe(Ended(job=job, retrying=retrying))
        if job.name in self._needed_behind and not retrying:
            self._wake()

    def _move(self, job: Job, change: Change) -> Job | None:
        """Apply a change; None when another process has moved the row, which is then reloaded."""
        try:
            moved = rows.move(self._connection, job, change)
        except StaleJob:
            now = rows.reload(self._connection, job)
            if now is not None:
                self._jobs[job.name] = now
            return None
        self._jobs[job.name] = moved
        return moved

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
                jobfolder.request_cancel(os.path.dirname(self._places.absolute(job.log_path)))
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
