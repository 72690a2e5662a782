"""The coordinator's work: look at the queue, start what may start, see each job to its end.

The queue is the database. `look` is one synchronous pass over it and may be called at any time;
between passes nothing is remembered but which jobs have a task here. Everything that a task learns
it takes from the job's folder (`jobfolder.evidence`), so a job that this coordinator started and
one that it found running after its predecessor was killed are treated alike.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import traceback
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bough.coordinator import clock, handoff, jobfolder, launcher, processes, recovery
from bough.coordinator.daemon.journal import Journal
from bough.coordinator.errors import BoughError, StaleJob, StoreBusy
from bough.coordinator.model import LIVE, Change, Job, Owner, ProcessIdentity, Status
from bough.coordinator.places import PlaceError, StatePlaces
from bough.coordinator.processes import Standing
from bough.coordinator.recovery import Ruling
from bough.coordinator.scheduling import Locked, decide
from bough.coordinator.store import connection as database
from bough.coordinator.store import history, jobs, locks, policy

BY = "coordinator"
_RETRY_AFTER_TROUBLE_S = 1.0
_RESPAWN_WINDOW_MS = 60_000
_RESPAWN_LIMIT = 3
_MOST_THREADS = 4096
"""One per running job, made as needed; a cap on the jobs themselves is `max_parallel`."""

T = TypeVar("T")


class Scheduler:
    """Owns the background rows of one repository."""

    def __init__(
        self, places: StatePlaces, connection: sqlite3.Connection, journal: Journal
    ) -> None:
        self._places = places
        self._connection = connection
        self._journal = journal
        self._tasks: dict[int, asyncio.Task[None]] = {}
        """By row: background jobs, from their claim to their end."""
        self._orphans: dict[int, asyncio.Task[None]] = {}
        """By row: foreground jobs that are ended because their command has died."""
        self._stops: dict[int, asyncio.Task[None]] = {}
        """By row: jobs of either kind that are being cancelled, as long as their rows say so."""
        self._timer: asyncio.TimerHandle | None = None
        self.accepting = True
        """Whether queued jobs are started; otherwise only what runs is looked after."""
        self._threads = ThreadPoolExecutor(_MOST_THREADS)
        self.changed = asyncio.Event()
        """Set whenever the queue may look different; the lifecycle waits on it."""

    @property
    def running(self) -> int:
        """How many jobs have a task here."""
        return len(self._tasks)

    def look(self) -> bool:
        """One pass over the queue; whether there is anything left to wait for."""
        try:
            with database.translated("the database"):
                return self._pass()
        except StoreBusy as error:
            self._journal.write(error.message)
            self._look_again()
            return True

    def _look_again(self) -> None:
        """After trouble: not at once, which would be for ever if it lasts."""
        asyncio.get_running_loop().call_later(_RETRY_AFTER_TROUBLE_S, self.changed.set)

    def _pass(self) -> bool:
        while True:
            rows = jobs.current(self._connection)
            self._adopt(rows)
            self._stop_cancelled(rows)
            self._end_orphans(rows)
            limit = policy.all_values(self._connection).get(policy.MAX_PARALLEL)
            cap = limit or max(2, os.cpu_count() or 1)
            now = clock.now_ms()
            decision = decide(
                rows,
                owner=Owner.BACKGROUND,
                now=now,
                free=cap - self.running,
                claims=locks.claims_for(self._connection, rows),
            )
            for item in decision.locked:
                self._line_up(item)
            for skip in decision.skip:
                change = Change(
                    to=Status.SKIPPED, by=BY, reason=skip.reason, skip_class=skip.skip_class
                )
                self._moved(skip.job, change)
            # A skip may decide others; look again with it in place.
            if not decision.skip:
                break
        if self.accepting:
            # A job whose task has not had its first turn yet is still queued.
            for job in (job for job in decision.start if job.id not in self._tasks):
                self._spawn(self._tasks, job, self._start(job))
        self._set_timer(decision.wake_at, now)
        waiting = any(row.owner is Owner.BACKGROUND and not row.status.terminal for row in rows)
        stopping = any(not task.done() for task in self._stops.values())
        return bool(self._tasks or self._orphans) or stopping or (waiting and self.accepting)

    def cancel(self, ids: Iterable[int], by: str) -> None:
        """Cancel these rows: queued ones at once, living ones by ending their groups."""
        for job in jobs.by_ids(self._connection, ids):
            if job.status is Status.QUEUED:
                self._moved(job, Change(to=Status.CANCELLED, by=by, reason="cancelled"))
            elif job.status in (Status.STARTING, Status.RUNNING):
                self._moved(job, Change(to=Status.CANCELLING, by=by, reason="cancelled"))
        self.changed.set()

    def _adopt(self, rows: Iterable[Job]) -> None:
        """See background jobs to their end that another coordinator has started."""
        for job in rows:
            if job.owner is Owner.BACKGROUND and job.status in LIVE and job.id not in self._tasks:
                self._spawn(self._tasks, job, self._see_to_end(job, None))

    def _stop_cancelled(self, rows: Iterable[Job]) -> None:
        """Stop, once, the group of each job that is to be cancelled, whoever records its end."""
        cancelling = {job.id: job for job in rows if job.status is Status.CANCELLING}
        for id_ in [id_ for id_ in self._stops if id_ not in cancelling]:
            if self._stops[id_].done():
                del self._stops[id_]
        for job in cancelling.values():
            if job.id not in self._stops:
                self._stops[job.id] = self._begin(job, self._stop(job))

    def _end_orphans(self, rows: Iterable[Job]) -> None:
        """Foreground rows whose command has died: they are nobody's, so they are ours to end."""
        for job in rows:
            if job.owner is Owner.FOREGROUND and not job.status.terminal:
                owner = job.foreground_owner
                if job.id not in self._orphans and (owner is None or not processes.alive(owner)):
                    self._spawn(self._orphans, job, self._end_orphan(job))

    async def _end_orphan(self, job: Job) -> None:
        await self._stop_group(job)
        self._moved(job, Change(to=Status.CANCELLED, by=BY, reason="command died"))

    def _spawn(
        self, tasks: dict[int, asyncio.Task[None]], job: Job, work: Coroutine[Any, Any, None]
    ) -> None:
        task = tasks[job.id] = self._begin(job, work)
        task.add_done_callback(lambda _task: tasks.pop(job.id))

    def _begin(self, job: Job, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(lambda task: self._done(job, task))
        return task

    def _done(self, job: Job, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            self.changed.set()
            return
        self._journal.write(f"{job.address}: " + "".join(traceback.format_exception(error)))
        # The row says what is known.
        self._look_again()

    def _line_up(self, item: Locked) -> None:
        try:
            jobs.line_up(self._connection, item.job, item.blockers, BY)
        except StaleJob:
            return

    async def _start(self, job: Job) -> None:
        try:
            environment, order = handoff.read(job.handoff_path, job.name)
        except handoff.HandoffLost as error:
            self._moved(job, Change(to=Status.CANCELLED, by=BY, reason=error.message))
            return
        with database.durable(self._connection):
            claimed = self._moved(job, Change(to=Status.STARTING, by=BY))
        if claimed is None:
            return
        supervisor = None
        try:
            folder = self._folder(job)
            supervisor = await launcher.spawn(folder, order.files)
            process = await supervisor.claim(launcher.order_for(job, environment, order, folder))
        except (launcher.StartFailed, PlaceError, OSError) as error:
            self._journal.write(f"{job.address} did not start: {error}")
            if supervisor is not None:
                supervisor.leave()
        else:
            self._let_go(claimed, supervisor, process)
        await self._see_to_end(job, supervisor)

    def _let_go(self, job: Job, supervisor: launcher.Supervisor, process: ProcessIdentity) -> None:
        """Open the gate once the identity is on record; never if the row was moved meanwhile."""
        change = Change(
            to=Status.RUNNING,
            by=BY,
            process=process,
            pgid=process.pid,
            started_at=clock.now_ms(),
        )
        try:
            running = self._moved(job, change)
        except BoughError:
            supervisor.leave()
            raise
        if running is None:
            supervisor.leave()
        else:
            supervisor.go()

    async def _see_to_end(self, job: Job, supervisor: launcher.Supervisor | None) -> None:
        """Wait until no supervisor holds the job, then record what its folder says."""
        folder = self._folder(job)
        while True:
            await self._in_thread(jobfolder.wait_for_end, folder)
            row = jobs.reload(self._connection, job)
            if row is None or row.status.terminal or row.status is Status.QUEUED:
                break
            verdict = recovery.judge(row.status, jobfolder.evidence(folder), by=BY)
            if verdict.change is None:
                continue
            if verdict.ruling is Ruling.STOP_AND_MOVE or row.status is Status.CANCELLING:
                await self._stop_group(row)
            change = self._bounded(row, verdict.change)
            if self._moved(row, change) is not None:
                break
        if supervisor is not None:
            await self._in_thread(supervisor.reap)

    def _bounded(self, row: Job, change: Change) -> Change:
        """A job over which coordinators keep dying is not started for ever."""
        if change.to is not Status.QUEUED:
            return change
        since = clock.now_ms() - _RESPAWN_WINDOW_MS
        if history.interrupted_starts(self._connection, row.id, since) + 1 < _RESPAWN_LIMIT:
            return change
        return Change(to=Status.CRASHED, by=BY, reason=f"coordinator died {_RESPAWN_LIMIT} times")

    async def _stop(self, job: Job) -> None:
        jobfolder.request_cancel(self._folder(job))
        await self._stop_group(job)

    async def _stop_group(self, job: Job) -> None:
        if job.process is None or job.pgid is None:
            return
        standing = await self._in_thread(
            processes.stop_group, job.process, job.pgid, job.spec.grace_ms
        )
        if standing is Standing.OURS:
            self._journal.write(f"{job.address}: its group {job.pgid} outlived SIGKILL")

    def _moved(self, job: Job, change: Change) -> Job | None:
        """Apply a change; None when somebody else has moved the row meanwhile."""
        try:
            moved = jobs.move(self._connection, job, change)
        except StaleJob:
            return None
        if change.to.terminal:
            handoff.settle(self._connection, job)
        return moved

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        # Not the loop's default executor: that one is joined when the loop closes, and a thread
        # that waits for a job's lock may wait for hours.
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _folder(self, job: Job) -> str:
        return os.path.dirname(self._places.absolute(job.log_path))

    def _set_timer(self, wake_at: int | None, now: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wake_at is not None:
            delay = (wake_at - now) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay, self.changed.set)
