"""From the lock to the last look at the queue: how a coordinator comes, serves and leaves.

Single flight: exactly the holder of `coordinator.lock` serves. To leave, it stops accepting,
removes the socket, looks at the queue once more (work: it binds again), and releases the lock last.
One that does not get the lock says Hello to the holder; an answer, given after a fresh look at the
queue, lets it leave; without one it tries again. So work is never lost between a row's commit and
its wake.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sqlite3
import time
import traceback

import bough
from bough.coordinator import handoff
from bough.coordinator.daemon.journal import Journal
from bough.coordinator.daemon.scheduler import Scheduler
from bough.coordinator.daemon.server import Server
from bough.coordinator.errors import BoughError, CoordinatorError
from bough.coordinator.ipc import client, frames
from bough.coordinator.places import (
    SOCKET_PATH_LIMIT,
    PlaceError,
    StatePlaces,
    private_dir,
    runtime_root,
)
from bough.coordinator.processes import own_identity
from bough.coordinator.store import policy, schemas

DEFAULT_IDLE_EXIT_MS = 10_000
_CONTEND_PAUSE_S = 0.02
_CONTEND_S = 60.0


def main(root: str) -> int:
    """Serve the repository whose state folder is `root` until idle; 0 also if another one does."""
    os.umask(0o077)
    places = StatePlaces(root=root)
    private_dir(root)
    journal = Journal(places.log)
    lock = _contend(places)
    if lock is None:
        return 0
    try:
        asyncio.run(_serve(places, journal))
    except BoughError as error:
        journal.write(f"cannot serve: {error.message}")
        code = int(error.exit)
    except Exception:  # noqa: BLE001  the last line of a daemon: into its log, then out
        journal.write(f"a bug ended the coordinator: {traceback.format_exc()}")
        code = 70
    else:
        code = 0
    # Threads that still wait for jobs' locks must not keep the process; the lock goes with it.
    os._exit(code)


def _contend(places: StatePlaces) -> int | None:
    """The descriptor of the lock, or None when a holder has looked at the queue for us."""
    fd = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _CONTEND_S
    while time.monotonic() < deadline:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if _holder_answers(places):
                break
            time.sleep(_CONTEND_PAUSE_S)
    os.close(fd)
    return None


def _holder_answers(places: StatePlaces) -> bool:
    try:
        connection = client.connect(places)
        if connection is None:
            return False
        with connection:
            connection.ask("Hello", **versions())
    except CoordinatorError:
        return False
    return True


def versions() -> dict[str, object]:
    """What each side says about itself in `Hello`."""
    return {
        "protocol": frames.PROTOCOL,
        "schema": schemas.REPOSITORY.version,
        "build": bough.__version__,
    }


async def _serve(places: StatePlaces, journal: Journal) -> None:
    connection = schemas.write_repository(places)
    scheduler = Scheduler(places, connection, journal)
    server = Server(places, connection, scheduler, journal, versions())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, server.request_shutdown)
    handoff.discard_leftovers(places, connection)
    path = socket_path(places)
    journal.write("serves")
    while True:
        await server.listen(path)
        _announce(places, path)
        await _until_idle(scheduler, server, connection)
        server.close()
        _unlink(path)
        # The last look: what was committed while the socket was going away is still ours.
        if server.leaving or not scheduler.look():
            break
    journal.write("leaves")
    connection.close()


async def _until_idle(scheduler: Scheduler, server: Server, connection: sqlite3.Connection) -> None:
    """Schedule until there was nothing to do and nobody to serve for the idle time."""
    while True:
        scheduler.changed.clear()
        busy = scheduler.look() or server.clients > 0
        if server.may_leave:
            return
        try:
            idle_ms = policy.all_values(connection).get(policy.IDLE_EXIT_MS, DEFAULT_IDLE_EXIT_MS)
            await asyncio.wait_for(scheduler.changed.wait(), None if busy else idle_ms / 1000)
        except TimeoutError:
            if server.clients == 0:
                return


def socket_path(places: StatePlaces) -> str:
    """Where to listen: in the runtime folder, else in a private folder with a short name.

    The name is that of the state folder, as the lock is, so that no two coordinators share one.
    """
    path = f"{private_dir(runtime_root())}/{places.token}.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    # Only /tmp is sure to be short enough; there, a link would be somebody else's trick.
    folder = f"/tmp/bough-{os.geteuid()}"  # noqa: S108  private, and checked to be ours
    if os.path.islink(folder):
        raise PlaceError(f"{folder} is a link", hint="Set BOUGH_RUNTIME_DIR to a shorter path.")
    return f"{private_dir(folder)}/{places.token}.sock"


def _announce(places: StatePlaces, path: str) -> None:
    me = own_identity()
    info = {
        "pid": me.pid,
        "start_ticks": me.start_ticks,
        "boot_id": me.boot_id,
        "socket": path,
        **versions(),
    }
    temporary = f"{places.info}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(info, file)
    os.replace(temporary, places.info)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
