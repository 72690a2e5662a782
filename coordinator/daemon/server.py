"""The coordinator's socket: every client in a task of its own, every request to its handler.

Invariants: only this user's processes are served; a frame over the cap or a client that stops in
the middle of one is told so and dropped; a request that fails is answered with an error, never with
silence; a client that follows a log delays nobody. Once `close` has returned no request is answered
any more, so that an answer always comes before the last look at the queue.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bough.coordinator.daemon.journal import Journal
from bough.coordinator.daemon.scheduler import Scheduler
from bough.coordinator.errors import BoughError, FrameError, NotFound
from bough.coordinator.ipc import frames
from bough.coordinator.ipc.peer import peer_uid
from bough.coordinator.logs.reader import Follower
from bough.coordinator.model import Job, Owner
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import history, jobs
from bough.coordinator.store.connection import translated

_MID_FRAME_S = 5.0
_IDLE_CLIENT_S = 60.0
_FOLLOW_PAUSE_S = 0.05
_DYING_S = (0.02, 0.2, 2.0)
_MOST = 2**53
"""The largest number that every JSON implementation holds exactly."""
_ASK_FOR_WORK = frozenset({"Hello", "Wake", "Attach"})

Payload = dict[str, Any]
Handler = Callable[[Payload], Awaitable[tuple[str, Payload]]]


class _Client:
    """One connection: whole messages in and out, none of them waited for without limit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.attached = False
        """Whether it is a command that stays as long as its invocation goes on."""

    async def receive(self) -> Payload | None:
        """The next message; None at the end of the connection between two frames."""
        patience = None if self.attached else _IDLE_CLIENT_S
        try:
            first = await asyncio.wait_for(self._reader.readexactly(1), patience)
        except asyncio.IncompleteReadError:
            return None
        rest = await self._exactly(frames.HEADER_SIZE - 1)
        return frames.decode(await self._exactly(frames.body_size(first + rest)))

    async def _exactly(self, size: int) -> bytes:
        return await asyncio.wait_for(self._reader.readexactly(size), _MID_FRAME_S)

    async def send(self, message: Payload) -> None:
        """Send it, once the client has taken most of what was sent before."""
        self._writer.write(frames.encode(message))
        await asyncio.wait_for(self._writer.drain(), _IDLE_CLIENT_S)

    async def refuse(self, code: str, message: str) -> None:
        """Send an error."""
        await self.send(frames.error_response(code, message))


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
        self._connections: set[asyncio.StreamWriter] = set()
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

    @property
    def clients(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def listen(self, path: str) -> None:
        """Accept clients on `path`, which is ours to replace: we hold the lock."""
        if os.path.lexists(path):
            os.unlink(path)
        self._server = await asyncio.start_unix_server(self._serve, path, backlog=512)
        os.chmod(path, 0o600)

    def close(self) -> None:
        """Stop accepting and cut off who is connected; each of them finds that out at once."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections:
            writer.transport.abort()

    @property
    def may_leave(self) -> bool:
        """Whether a coordinator that was asked to go can: at once if jobs may outlive it."""
        return self.leaving and (self._keep_jobs or self._scheduler.running == 0)

    def request_shutdown(self, *, keep_jobs: bool = True) -> None:
        """Start nothing more and leave; running jobs go on with their supervisors if kept."""
        self.leaving = True
        self._keep_jobs = keep_jobs
        self._scheduler.accepting = False
        self._scheduler.changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        client = _Client(reader, writer)
        try:
            if self._server is None:
                writer.transport.abort()
            elif peer_uid(writer.get_extra_info("socket")) != os.geteuid():
                self._journal.write("refused a client of another user")
                await client.refuse("BAD_REQUEST", "this coordinator serves another user")
            else:
                await self._converse(client)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            # The client is gone, or takes no answers; its own side says so.
            pass
        finally:
            self._connections.discard(writer)
            writer.close()
            self._scheduler.changed.set()
            if client.attached:
                # The kernel closes a dying command's socket a moment before the command counts as
                # dead, and then its rows are to be ended.
                for delay in _DYING_S:
                    asyncio.get_running_loop().call_later(delay, self._scheduler.changed.set)

    async def _converse(self, client: _Client) -> None:
        while True:
            try:
                message = await client.receive()
                if message is None:
                    return
                with translated("the database"):
                    await self._answer(client, *_opened(message))
            except FrameError as error:
                await client.refuse(error.error_code, error.message)
                if error.error_code == "FRAME_TOO_LARGE":
                    # What follows the header cannot be told from the next frame.
                    return
            except TimeoutError:
                await client.refuse("BAD_REQUEST", "the connection was silent for too long")
                return
            except NotFound as error:
                await client.refuse("JOB_NOT_FOUND", error.message)
            except BoughError as error:
                self._journal.write(f"a request failed: {error.message}")
                await client.refuse("INTERNAL", error.message)
            except (ConnectionError, asyncio.IncompleteReadError):
                raise
            except Exception:  # noqa: BLE001  a bug in one request: its client is told, others go on
                self._journal.write(f"a bug in a request: {traceback.format_exc()}")
                await client.refuse("INTERNAL", f"a bug; {self._places.log} has the details")

    async def _answer(self, client: _Client, name: str, payload: Payload) -> None:
        if self.leaving and name in _ASK_FOR_WORK:
            # Whoever has work for a coordinator needs the next one.
            raise FrameError("BUSY", "this coordinator is leaving")
        if name == "TailLogs":
            async for kind, part in self._tail_logs(payload):
                await client.send(frames.response(kind, part))
            return
        if name not in self._handlers:
            raise FrameError("BAD_REQUEST", f"unknown request {name!r}")
        kind, answer = await self._handlers[name](payload)
        client.attached = client.attached or name == "Attach"
        await client.send(frames.response(kind, answer))

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
        keep = payload.get("keep_jobs", False)
        if not isinstance(keep, bool):
            raise FrameError("BAD_REQUEST", "`keep_jobs` must be true or false")
        self.request_shutdown(keep_jobs=keep)
        if not keep:
            active = history.active(self._connection, history.Filter())
            ours = [job.id for job in active if job.owner is Owner.BACKGROUND]
            self._scheduler.cancel(ours, "shutdown")
        return "Ok", {}

    async def _tail_logs(self, payload: Payload) -> AsyncIterator[tuple[str, Payload]]:
        job = self._job(payload)
        since = _number(payload, "since_seq") if "since_seq" in payload else 0
        with Follower(self._places.absolute(job.log_path), since_seq=since) as follower:
            while True:
                # The row first: what it knows of the end, the log has already been told.
                row = jobs.reload(self._connection, job)
                while records := follower.read_new():
                    for record in records:
                        yield "StreamFrame", record.as_dict()
                over = follower.ended or row is None or row.status.terminal
                if over or not payload.get("follow"):
                    break
                await asyncio.sleep(_FOLLOW_PAUSE_S)
        # Without a last record the job has died, or it has not ended yet.
        yield "StreamEnd", {"status": row.status if row else None, "complete": follower.ended}

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


def _opened(message: Payload) -> tuple[str, Payload]:
    if message.get("v") != frames.PROTOCOL:
        raise FrameError("SCHEMA_MISMATCH", f"this coordinator speaks version {frames.PROTOCOL}")
    name, payload = message.get("req"), message.get("payload", {})
    if not isinstance(name, str) or not isinstance(payload, dict):
        raise FrameError("BAD_REQUEST", "a request has a name `req` and an object `payload`")
    return name, payload


def _number(payload: Payload, key: str) -> int:
    value = payload.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST:
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
