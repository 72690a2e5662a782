"""The socket: every request answered, every fault told, nobody delayed by anybody."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import spawn
from bough.coordinator.errors import CoordinatorError, Exit
from bough.coordinator.ipc import client, frames
from bough.coordinator.ipc.peer import peer_uid
from bough.coordinator.model import Status
from bough.coordinator.store import schemas
from tests.support.engine import Engine, background, foreground, kill
from tests.support.waiting import wait_until


@pytest.fixture
def connection(engine: Engine) -> Iterator[client.Client]:
    """A client of a coordinator with nothing to do."""
    spawn.start(engine.places)
    engine.served()
    connected = client.connect(engine.places)
    assert connected is not None
    with connected:
        yield connected


@contextmanager
def raw(engine: Engine) -> Iterator[socket.socket]:
    """A connection without our client's manners."""
    with closing(socket.socket(socket.AF_UNIX)) as plain:
        plain.settimeout(20)
        plain.connect(json.loads(Path(engine.places.info).read_text())["socket"])
        yield plain


def receive(plain: socket.socket) -> dict[str, Any]:
    header = plain.recv(4, socket.MSG_WAITALL)
    assert len(header) == 4, "the connection was closed without a word"
    return frames.decode(plain.recv(frames.body_size(header), socket.MSG_WAITALL))


def send(plain: socket.socket, message: object) -> dict[str, Any]:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    plain.sendall(len(body).to_bytes(4, "big") + body)
    return receive(plain)


def code(answer: dict[str, Any]) -> str:
    assert answer["v"] == 1
    assert answer["kind"] == "Error"
    assert answer["payload"]["message"]
    return str(answer["payload"]["code"])


# Requests.


def test_hello_says_what_both_sides_must_agree_on(connection: client.Client) -> None:
    hello = connection.ask("Hello")
    assert hello == {
        "protocol": frames.PROTOCOL,
        "schema": schemas.REPOSITORY.version,
        "build": hello["build"],
    }
    assert hello["build"]


def test_many_requests_follow_each_other_on_one_connection(connection: client.Client) -> None:
    for _ in range(50):
        assert connection.ask("Wake") == {}
        assert connection.ask("Status")["clients"] == 1


def test_status_counts_what_is_active(connection: client.Client, engine: Engine) -> None:
    engine.hand_off(foreground("front"), background("back", needs=("front",)))
    status = connection.ask("Status")
    assert (status["pid"], status["queued"]) == (connection.pid, 2)
    assert status["pid"] == engine.coordinator()


def test_jobs_are_listed_in_pages(connection: client.Client, engine: Engine) -> None:
    engine.hand_off(*(background(str(number), tags=("t",)) for number in range(5)))
    engine.all_ended()
    page = connection.ask("ListJobs", limit=2)
    assert [job["name"] for job in page["jobs"]] == ["4", "3"]
    assert page["jobs"][0]["status"] == "succeeded"
    assert page["next"] is not None
    assert len(connection.ask("ListJobs")["jobs"]) == 5
    assert connection.ask("ListJobs", tag="other") == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"v": 1, "req": "Nonsense", "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Subscribe", "payload": {}}, "BAD_REQUEST"),
        ({"v": 2, "req": "Hello", "payload": {}}, "SCHEMA_MISMATCH"),
        ({"v": "1", "req": "Hello"}, "SCHEMA_MISMATCH"),
        ({"req": "Hello", "payload": {}}, "SCHEMA_MISMATCH"),
        ({"v": 1, "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": ["Hello"], "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Hello", "payload": []}, "BAD_REQUEST"),
        ({"v": 1, "req": "Cancel", "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Cancel", "payload": {"job": "1"}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Cancel", "payload": {"job": True}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Cancel", "payload": {"job": 4711}}, "JOB_NOT_FOUND"),
        ({"v": 1, "req": "Cancel", "payload": {"job": 10**30}}, "BAD_REQUEST"),
        ({"v": 1, "req": "Attach", "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": "ListJobs", "payload": {"limit": "all"}}, "BAD_REQUEST"),
        ({"v": 1, "req": "ListJobs", "payload": {"hook": 3}}, "BAD_REQUEST"),
        ({"v": 1, "req": "TailLogs", "payload": {}}, "BAD_REQUEST"),
        ({"v": 1, "req": "TailLogs", "payload": {"job": 4711}}, "JOB_NOT_FOUND"),
        ({"v": 1, "req": "CancelMatching", "payload": {"older_than_s": 10**30}}, "BAD_REQUEST"),
        ([], "BAD_REQUEST"),
        (b"", "BAD_REQUEST"),
        (b"{", "BAD_REQUEST"),
        (b"\xff\x00", "BAD_REQUEST"),
        (b"[" * 100_000, "BAD_REQUEST"),
    ],
)
def test_a_fault_is_told_and_the_connection_goes_on(
    connection: client.Client, engine: Engine, message: object, expected: str
) -> None:
    with raw(engine) as plain:
        assert code(send(plain, message)) == expected
        assert send(plain, frames.request("Wake", {}))["kind"] == "Ok"
    assert connection.ask("Status")["clients"] >= 1
    assert "Traceback" not in engine.journal()


def test_a_frame_over_the_cap_is_refused_before_it_is_read(
    connection: client.Client, engine: Engine
) -> None:
    with raw(engine) as plain:
        plain.sendall((frames.MAX_FRAME + 1).to_bytes(4, "big"))
        assert code(receive(plain)) == "FRAME_TOO_LARGE"
        assert plain.recv(1) == b"", "what follows could not be told from a frame"
    assert connection.ask("Wake") == {}


def test_a_client_does_not_send_a_frame_over_the_cap(connection: client.Client) -> None:
    with pytest.raises(CoordinatorError, match="is over"):
        connection.ask("Wake", much="x" * frames.MAX_FRAME)
    assert connection.ask("Wake") == {}


def test_a_frame_may_come_in_any_pieces(connection: client.Client, engine: Engine) -> None:
    frame = frames.encode(frames.request("Hello", {}))
    with raw(engine) as plain:
        for byte in frame:
            plain.sendall(bytes([byte]))
        assert receive(plain)["kind"] == "Hello"
        plain.sendall(frame * 3)
        assert [receive(plain)["kind"] for _ in range(3)] == ["Hello"] * 3
    assert connection.ask("Wake") == {}


# Clients that misbehave.


def test_clients_that_say_nothing_or_half_of_it_delay_nobody(
    connection: client.Client, engine: Engine
) -> None:
    with raw(engine) as silent, raw(engine) as half, raw(engine) as gone:
        half.sendall((100).to_bytes(4, "big") + b'{"v": 1')
        gone.sendall(b"\0")
        gone.close()
        for _ in range(20):
            connection.ask("Wake")  # has its own short limit
        assert silent.fileno() >= 0
        assert code(receive(half)) == "BAD_REQUEST", "the rest never came"
        assert half.recv(1) == b""
    wait_until(lambda: connection.ask("Status")["clients"] == 1, what="the others to be gone")


def test_a_client_that_does_not_read_delays_nobody(
    connection: client.Client, engine: Engine
) -> None:
    engine.hand_off(background("big", "seq 1 200000"))
    engine.ended("big")
    with raw(engine) as deaf:
        request = frames.request("TailLogs", {"job": engine.row("big")["id"]})
        deaf.sendall(frames.encode(request))
        wait_until(lambda: len(deaf.recv(1, socket.MSG_PEEK)) == 1, what="the first bytes")
        for _ in range(20):
            connection.ask("Wake")
        assert connection.ask("Status")["clients"] == 2


def test_many_clients_at_once_are_all_answered(connection: client.Client, engine: Engine) -> None:
    answers: list[str] = []

    def ask() -> None:
        with raw(engine) as plain:
            answers.append(send(plain, frames.request("Wake", {}))["kind"])

    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["Ok"] * 60
    assert connection.ask("Wake") == {}


def test_both_sides_know_whose_process_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        assert peer_uid(ours) == peer_uid(theirs) == os.geteuid()


# Following a log.


def text(parts: list[dict[str, Any]]) -> list[str]:
    return [part["data"] for part in parts if part["kind"] == "stdout"]


def test_a_log_is_streamed_from_where_it_was_asked_for(
    connection: client.Client, engine: Engine
) -> None:
    engine.hand_off(background("a", "seq 1 30000; exit 3"))
    id_ = engine.ended("a")["id"]
    parts = list(connection.stream("TailLogs", job=id_))
    assert text(parts) == [str(number) for number in range(1, 30_001)]
    assert [part["seq"] for part in parts] == list(range(1, len(parts) + 1))
    assert (parts[0]["status"], parts[-1]["status"]) == ("started", "finished")
    late = list(connection.stream("TailLogs", job=id_, since_seq=parts[-3]["seq"], follow=True))
    assert late == parts[-2:]
    assert connection.ask("Wake") == {}


def test_who_follows_a_log_delays_nobody_and_gets_it_to_its_end(
    connection: client.Client, engine: Engine
) -> None:
    engine.hand_off(
        background("a", "seq 1 5000; echo ready; while [ ! -e go ]; do sleep 0.01; done; echo end")
    )
    engine.reaches("a", "running")
    parts: list[dict[str, Any]] = []
    follower = client.connect(engine.places)
    assert follower is not None

    def follow() -> None:
        with follower:
            parts.extend(follower.stream("TailLogs", job=engine.row("a")["id"], follow=True))

    thread = threading.Thread(target=follow)
    thread.start()
    wait_until(lambda: connection.ask("Status")["clients"] == 2, what="the follower")
    for _ in range(20):
        connection.ask("Wake")  # has its own short limit
    assert thread.is_alive()
    Path("go").touch()
    thread.join(20)
    assert not thread.is_alive()
    assert text(parts) == [*(str(number) for number in range(1, 5001)), "ready", "end"]
    assert parts[-1]["status"] == "finished"


def test_a_follower_of_a_job_that_died_without_a_last_record_is_told_and_ends(
    connection: client.Client, engine: Engine
) -> None:
    engine.hand_off(background("a", "echo out; exec sleep 60"))
    row = engine.reaches("a", "running")
    wait_until(lambda: row["log"].exists() and len(engine.log("a")) == 2, what="its output")
    ends: list[dict[str, Any]] = []

    def follow() -> None:
        with raw(engine) as plain:
            request = frames.request("TailLogs", {"job": row["id"], "follow": True})
            plain.sendall(frames.encode(request))
            while (message := receive(plain))["kind"] == "StreamFrame":
                continue
            ends.append(message)

    thread = threading.Thread(target=follow)
    thread.start()
    wait_until(lambda: connection.ask("Status")["clients"] == 2, what="the follower")
    kill(engine.supervisor("a"))
    thread.join(20)
    assert not thread.is_alive()
    assert ends == [
        frames.response("StreamEnd", {"status": Status.CRASHED.value, "complete": False})
    ]


def test_a_job_without_a_log_yet_has_an_empty_one(
    connection: client.Client, engine: Engine
) -> None:
    engine.hand_off(foreground("front"), background("back", needs=("front",)))
    assert list(connection.stream("TailLogs", job=engine.row("back")["id"])) == []


# A coordinator that hangs, or is none.


def test_a_stopped_coordinator_is_named_with_the_way_to_end_it(
    connection: client.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", 0.2)
    pid = connection.pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(CoordinatorError, match=rf"\(pid {pid}\) does not answer") as error:
        engine.wake()
    assert error.value.exit == Exit.COORDINATOR
    assert error.value.hint.startswith(f"kill -9 {pid} ")
    kill(pid)
    engine.hand_off(background("a"))
    assert engine.ended("a")["status"] == "succeeded"


def test_without_a_coordinator_there_is_no_connection(engine: Engine) -> None:
    assert client.connect(engine.places) is None
    Path(engine.places.root).mkdir(parents=True)
    for content in ("", "{", "[]", "{}", '{"pid": 1}', '{"socket": "/no/such/socket", "pid": 1}'):
        Path(engine.places.info).write_text(content)
        assert client.connect(engine.places) is None


def test_a_coordinator_that_dies_while_it_is_asked_is_an_error_of_ours(
    connection: client.Client,
) -> None:
    kill(connection.pid)
    with pytest.raises(CoordinatorError) as error:
        connection.ask("Wake")
    assert error.value.hint == ""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "ended while it was asked"),
        (b"\0\0\0\x05hel", "ended while it was asked"),
        (b"\0\0\0\x02[]", "not a JSON object"),
        (b"\xff\xff\xff\xff", "is over"),
    ],
)
def test_an_answer_that_is_none_is_an_error_of_ours(answer: bytes, says: str) -> None:
    ours, theirs = socket.socketpair()
    with client.Client(ours, 1) as connection, closing(theirs):
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(CoordinatorError, match=says):
            connection.ask("Hello")
