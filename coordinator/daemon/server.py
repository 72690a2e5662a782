"""The coordinator's socket: every client in a task of its own, every request to its handler.

Invariants: only this user's processes are served; a frame over the cap or a client that stops in
the middle of one is told so and dropped; a request that fails is answered with an error, never with
silence; a client that follows a log delays nobody.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bough.coordinator.daemon.journal import Journal
from bough.coordinator.daemon.scheduler import Scheduler
from bough.coordinator.errors import BoughError, FrameError, NotFound
from bough.coordinator.ipc import frames
from bough.coordinator.ipc.peer import peer_uid
from bough.coordinator.logs.reader import Follower
from bough.coordinator.model import Job
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import history, jobs

_MID_FRAME_S = 5.0
_IDLE_CLIENT_S = 60.0
_FOLLOW_PAUSE_S = 0.05

Payload = dict[str, Any]
Handler = Callable[[Payload], Awaitable[tuple[str, Payload]]]


class Server:
    """Serves clients of one repository until it is closed; may listen again afterwards."""

    def __init__(
        self,
        places: StatePlaces,
        connection: sqlite3.Connection,
        scheduler: Scheduler,
        journal: Journal,
        versions: dict[str, object],
    ) -> None:
        self._places = places
        self._connection = connection
        self._scheduler = scheduler
        self._journal = journal
        self._versions = versions
        self._server: asyncio.Server | None = None
        self.clients = 0
        """How many connections are open."""
        self.leaving = False
        """Whether the coordinator was asked to go."""
        self._keep_jobs = True
        self._handlers: dict[str, Handler] = {
            "Hello": self._hello,
            "Wake": self._wake,
            "Attach": self._attach,
            "Status": self._status,
            "ListJobs": self._list_jobs,
            "Cancel": self._cancel,
            "CancelMatching": self._cancel_matching,
            "CancelAll": self._cancel_all,
            "Shutdown": self._shutdown,
        }

    async def listen(self, path: str) -> None:
        """Accept clients on `path`, which is ours to replace: we hold the lock."""
        if os.path.lexists(path):
            os.unlink(path)
        self._server = await asyncio.start_unix_server(self._serve, path, backlog=512)

    async def close(self) -> None:
        """Stop accepting; connections that are open end with the process."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def may_leave(self) -> bool:
        """Whether a coordinator that was asked to go can: at once if jobs may outlive it."""
        return self.leaving and (self._keep_jobs or self._scheduler.running == 0)

    def request_shutdown(self, *, keep_jobs: bool = True) -> None:
        """Start nothing more and leave; running jobs go on with their supervisors if kept."""
        self.leaving = True
        self._keep_jobs = keep_jobs
        self._scheduler.stop_starting()
        self._scheduler.changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        try:
            if peer_uid(writer.get_extra_info("socket")) != os.geteuid():
                self._journal.write("refused a client of another user")
                return
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            # The client is gone or has stalled; its own side says so.
            pass
        finally:
            self.clients -= 1
            # Whatever it was attached to may have ended with it.
            self._scheduler.changed.set()
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attached = False
        while True:
            try:
                message = await _read_frame(reader, None if attached else _IDLE_CLIENT_S)
                if message is None:
                    return
                name, payload = _opened(message)
                if name == "TailLogs":
                    async for kind, part in self._tail_logs(payload):
                        await _send(writer, frames.response(kind, part))
                    continue
                if name not in self._handlers:
                    raise FrameError("BAD_REQUEST", f"unknown request {name!r}")
                kind, answer = await self._handlers[name](payload)
                attached = attached or name == "Attach"
                await _send(writer, frames.response(kind, answer))
            except FrameError as error:
                await _send(writer, frames.error_response(error.error_code, error.message))
                if error.error_code == "FRAME_TOO_LARGE":
                    # What follows the header cannot be told from the next frame.
                    return
            except NotFound as error:
                await _send(writer, frames.error_response("JOB_NOT_FOUND", error.message))
            except BoughError as error:
                self._journal.write(f"a request failed: {error.message}")
                await _send(writer, frames.error_response("INTERNAL", error.message))

    async def _hello(self, _payload: Payload) -> tuple[str, Payload]:
        # The fresh look that lets a contender leave.
        self._scheduler.look()
        return "Hello", dict(self._versions)

    async def _wake(self, _payload: Payload) -> tuple[str, Payload]:
        self._scheduler.changed.set()
        return "Ok", {}

    async def _attach(self, payload: Payload) -> tuple[str, Payload]:
        _text(payload, "invocation")
        self._scheduler.changed.set()
        return "Ok", {}

    async def _status(self, _payload: Payload) -> tuple[str, Payload]:
        counts = history.active_counts(self._connection)
        return "Status", {**self._versions, "pid": os.getpid(), "clients": self.clients, **counts}

    async def _list_jobs(self, payload: Payload) -> tuple[str, Payload]:
        page = history.page(self._connection, _filter(payload), limit=_limit(payload))
        return "Jobs", {"jobs": [summary(job) for job in page.jobs], "next": page.next}

    async def _cancel(self, payload: Payload) -> tuple[str, Payload]:
        job = self._job(payload)
        self._scheduler.cancel([job.id], "client")
        return "Cancelled", {"jobs": [job.id]}

    async def _cancel_matching(self, payload: Payload) -> tuple[str, Payload]:
        wanted = _filter(payload)
        if wanted == history.Filter():
            raise FrameError("BAD_REQUEST", "CancelMatching needs at least one filter")
        return self._cancel_found(wanted)

    async def _cancel_all(self, _payload: Payload) -> tuple[str, Payload]:
        return self._cancel_found(history.Filter())

    def _cancel_found(self, wanted: history.Filter) -> tuple[str, Payload]:
        ids = [job.id for job in history.active(self._connection, wanted)]
        if not ids:
            raise FrameError("NO_MATCH", "no active job matches")
        self._scheduler.cancel(ids, "client")
        return "Cancelled", {"jobs": ids}

    async def _shutdown(self, payload: Payload) -> tuple[str, Payload]:
        keep = bool(payload.get("keep_jobs", False))
        self.request_shutdown(keep_jobs=keep)
        if not keep:
            active = history.active(self._connection, history.Filter())
            self._scheduler.cancel([job.id for job in active], "shutdown")
        return "Ok", {}

    async def _tail_logs(self, payload: Payload) -> AsyncIterator[tuple[str, Payload]]:
        job = self._job(payload)
        follower = Follower(self._places.absolute(job.log_path))
        since = payload.get("since_seq") or 0
        while True:
            row = jobs.reload(self._connection, job)
            for record in follower.read_new():
                if record.seq > since:
                    yield "StreamFrame", record.as_dict()
            over = follower.ended or row is None or row.status.terminal
            if over or not payload.get("follow"):
                break
            await asyncio.sleep(_FOLLOW_PAUSE_S)
        yield "StreamEnd", {"status": row.status if row else None}

    def _job(self, payload: Payload) -> Job:
        found = jobs.by_ids(self._connection, [_number(payload, "job")])
        if not found:
            raise NotFound(f"there is no job {payload['job']}")
        return found[0]


def summary(job: Job) -> Payload:
    """A row as clients on the socket see it."""
    return {
        "id": job.id,
        "invocation": job.invocation,
        "event": job.event,
        "name": job.name,
        "attempt": job.attempt,
        "status": job.status,
        "reason": job.reason,
        "owner": job.owner,
        "worktree": job.worktree_name,
    }


async def _read_frame(reader: asyncio.StreamReader, idle_s: float | None) -> Payload | None:
    """The next message; None at the end of the connection between two frames."""
    try:
        first = await asyncio.wait_for(reader.readexactly(1), idle_s)
    except asyncio.IncompleteReadError:
        return None
    rest = await asyncio.wait_for(reader.readexactly(frames.HEADER_SIZE - 1), _MID_FRAME_S)
    size = frames.body_size(first + rest)
    return frames.decode(await asyncio.wait_for(reader.readexactly(size), _MID_FRAME_S))


def _opened(message: Payload) -> tuple[str, Payload]:
    if message.get("v") != frames.PROTOCOL:
        raise FrameError("SCHEMA_MISMATCH", f"this coordinator speaks version {frames.PROTOCOL}")
    name, payload = message.get("req"), message.get("payload", {})
    if not isinstance(name, str) or not isinstance(payload, dict):
        raise FrameError("BAD_REQUEST", "a request has a name `req` and an object `payload`")
    return name, payload


async def _send(writer: asyncio.StreamWriter, message: Payload) -> None:
    writer.write(frames.encode(message))
    await writer.drain()


def _number(payload: Payload, key: str) -> int:
    value = payload.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FrameError("BAD_REQUEST", f"`{key}` must be a number")
    return value


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str):
        raise FrameError("BAD_REQUEST", f"`{key}` must be a text")
    return value


def _limit(payload: Payload) -> int:
    return min(_number(payload, "limit"), history.MOST_PER_PAGE) if "limit" in payload else 50


def _filter(payload: Payload) -> history.Filter:
    def text(name: str) -> str | None:
        return None if payload.get(name) is None else _text(payload, name)

    older = payload.get("older_than_s")
    return history.Filter(
        event=text("hook"),
        worktree=text("worktree"),
        tag=text("tag"),
        invocation=text("invocation_prefix"),
        older_than_s=None if older is None else _number(payload, "older_than_s"),
    )
