"""How a coordinator leaves without losing work."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bough.coordinator import kernel, spawn
from bough.coordinator.daemon import lifecycle
from bough.coordinator.daemon.journal import Journal
from bough.coordinator.daemon.lifecycle import socket_path, versions
from bough.coordinator.daemon.scheduler import Scheduler
from bough.coordinator.daemon.server import Server
from bough.coordinator.errors import CoordinatorError
from bough.coordinator.ipc import client, frames
from bough.coordinator.store import schemas
from tests.support.engine import Engine, at_once, background, foreground
from tests.support.waiting import wait_until


def contender(engine: Engine) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-m", "bough.coordinator", engine.places.root])


def lock_is_free(engine: Engine) -> bool:
    with open(engine.places.lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_it_leaves_when_idle_and_leaves_no_socket_and_no_lock(engine: Engine) -> None:
    engine.set(idle_exit_ms=100)
    engine.hand_off(background("a"))
    engine.ended("a")
    path = Path(json.loads(Path(engine.places.info).read_text())["socket"])
    engine.unserved()
    assert not path.exists()
    wait_until(lambda: lock_is_free(engine), what="the lock to be free")
    assert engine.journal().splitlines()[-1].endswith("leaves")
    assert client.connect(engine.places) is None


def test_it_does_not_leave_while_a_job_runs_or_waits_or_a_client_is_there(engine: Engine) -> None:
    engine.set(idle_exit_ms=50)
    engine.hand_off(
        foreground("front"),
        background("run", "while [ ! -e go ]; do sleep 0.01; done"),
        background("wait", needs=("front",)),
    )
    engine.reaches("run", "running")
    pid = engine.served()

    def stays() -> bool:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 0.25, what="several idle times")
        return engine.coordinator() == pid

    assert stays(), "a job runs"
    Path("go").touch()
    engine.ended("run")
    assert stays(), "a job waits"
    connection = client.connect(engine.places)
    assert connection is not None
    with connection:
        connection.ask("Cancel", job=engine.row("wait")["id"])
        assert stays(), "a client is there"
    engine.unserved()


def test_what_is_committed_while_it_leaves_is_never_lost(engine: Engine) -> None:
    """With an idle time of nothing, it is leaving nearly always when work comes."""
    engine.set(idle_exit_ms=1)
    for number in range(16):
        engine.hand_off(background(f"job {number}"))
        if number % 3:
            engine.ended(f"job {number}")
    assert {row["status"] for row in engine.all_ended()} == {"succeeded"}
    engine.unserved()
    assert engine.journal().count("serves") > 3, "it never left, so this has shown nothing"


def test_a_contender_waits_for_a_holder_that_does_not_answer_any_more(engine: Engine) -> None:
    """One that closed its socket and has not released its lock yet is waited for."""
    engine.hand_off(background("a"), wake=False)
    with open(engine.places.lock, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = contender(engine)
        wait_until(lambda: Path(engine.places.log).exists(), what="the contender")
        assert engine.coordinator() is None
        assert process.poll() is None
    assert engine.ended("a")["status"] == "succeeded"
    assert engine.coordinator() == process.pid
    process.terminate()
    assert process.wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_its_jobs_go_on_under_the_next(
    engine: Engine, number: signal.Signals
) -> None:
    engine.hand_off(background("a", "while [ ! -e go ]; do sleep 0.01; done; exit 7"))
    row = engine.reaches("a", "running")
    os.kill(engine.served(), number)
    engine.unserved()
    assert kernel.start_ticks(row["pid"]) == row["start_ticks"]
    engine.wake()
    Path("go").touch()
    assert engine.ended("a")["exit_code"] == 7
    assert engine.path("a") == ["queued", "starting", "running", "failed"]


def test_who_asks_one_that_is_leaving_gets_the_next_one(engine: Engine) -> None:
    """Shutdown without its jobs takes as long as they take to end; work that comes is not its."""
    script = "trap '' TERM; echo ready; while [ ! -e go ]; do sleep 0.02; done"
    engine.hand_off(background("a", script, grace_ms=60_000))
    engine.reaches("a", "running")
    wait_until(lambda: engine.row("a")["log"].exists() and engine.output("a") == "ready\n")
    first = engine.served()
    connection = client.connect(engine.places)
    assert connection is not None
    with connection:
        connection.ask("Shutdown", keep_jobs=False)
        engine.reaches("a", "cancelling")
        for request in ("Wake", "Hello"):
            with pytest.raises(client.Refused) as error:
                connection.ask(request)
            assert error.value.error_code == "BUSY"
        engine.hand_off(background("b"))
        Path("go").touch()
        assert engine.ended("b")["status"] == "succeeded"
    assert engine.ended("a")["status"] == "cancelled"
    assert engine.served() != first


def test_a_bound_socket_that_was_left_behind_is_replaced(engine: Engine) -> None:
    path = Path(socket_path(engine.places))
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))
    engine.hand_off(background("a"))
    assert engine.ended("a")["status"] == "succeeded"


# Leaving and closing, as it happens inside.


def test_what_is_committed_after_the_socket_went_is_seen_by_the_last_look(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.set(idle_exit_ms=1)
    unlink = lifecycle._unlink
    gone: list[str] = []

    def unlink_and_commit(path: str) -> None:
        unlink(path)
        if not gone:  # just then a command commits its rows; it has not asked anybody yet
            engine.hand_off(background("a"), wake=False)
        gone.append(path)

    monkeypatch.setattr(lifecycle, "_unlink", unlink_and_commit)
    asyncio.run(lifecycle._serve(engine.places, _QuietJournal("serves", "leaves")))
    assert engine.row("a")["status"] == "succeeded"
    assert len(gone) >= 2
    assert not Path(gone[-1]).exists()


def test_after_closing_no_request_is_answered_any_more(engine: Engine) -> None:
    """Even one whose bytes had arrived: its answer would come after the last look."""

    frame = frames.encode(frames.request("Wake", {}))

    async def scene() -> tuple[bytes, bytes]:
        loop = asyncio.get_running_loop()
        with (
            closing(schemas.write_repository(engine.places)) as connection,
            socket.socket(socket.AF_UNIX) as ours,
        ):
            journal = _QuietJournal()
            scheduler = Scheduler(engine.places, connection, journal)
            server = Server(engine.places, connection, scheduler, journal, versions())
            await server.listen(socket_path(engine.places))
            ours.setblocking(False)
            await loop.sock_connect(ours, socket_path(engine.places))
            await loop.sock_sendall(ours, frame)
            answered = await loop.sock_recv(ours, 1000)
            ours.send(frame)  # it is in the socket when the server closes
            server.close()
            try:
                return answered, await loop.sock_recv(ours, 1000)
            except ConnectionResetError:
                return answered, b""

    assert asyncio.run(scene()) == (frames.encode(frames.response("Ok", {})), b"")


class _QuietJournal(Journal):
    """Expects these texts and writes none: the real one takes over the process's stderr."""

    def __init__(self, *expected: str) -> None:
        self._expected = expected

    def write(self, text: str) -> None:
        assert text in self._expected, f"it had something to say: {text}"


def test_a_journal_that_has_grown_is_exchanged_once(tmp_path: Path) -> None:
    def write() -> None:
        journal = Journal(str(tmp_path / "log"))
        for _ in range(30):
            journal.write("x" * 50_000)

    def in_fork() -> bool:
        write()
        return True

    assert at_once([in_fork]) == [True]
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"log", "log.1"}
    assert all(0 < size < 1024 * 1024 + 60_000 for size in sizes.values())


def test_without_a_process_to_give_starting_one_says_what_happens_to_the_jobs(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(CoordinatorError, match="cannot start the coordinator") as error:
        spawn.start(engine.places)
    assert "stay queued" in error.value.hint
