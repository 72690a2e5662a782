"""How a coordinator comes and stays alone: one per state folder, private, and its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bough.coordinator import places, spawn
from bough.coordinator.daemon.lifecycle import socket_path
from bough.coordinator.ipc import client
from bough.coordinator.places import PlaceError
from tests.support.engine import Engine, at_once, background, foreground
from tests.support.isolation import Sandbox
from tests.support.waiting import wait_until


def contender(engine: Engine) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-m", "bough.coordinator", engine.places.root])


def coordinators(sandbox: Sandbox) -> list[int]:
    """The coordinators of the test that live now."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                "bough.coordinator" in process.cmdline()
                and process.environ().get("BOUGH_TEST_ID") == sandbox.marker
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_of_many_contenders_one_serves_and_the_others_leave_content(engine: Engine) -> None:
    engine.set(idle_exit_ms=60_000)
    contenders = [contender(engine) for _ in range(8)]
    pid = engine.served()
    others = [process for process in contenders if process.pid != pid]
    assert len(others) == 7
    assert [process.wait(20) for process in others] == [0] * 7
    assert engine.coordinator() == pid
    (survivor,) = (process for process in contenders if process.pid == pid)
    survivor.terminate()
    assert survivor.wait(20) == 0
    assert engine.journal().count("serves") == 1


def test_many_commands_hand_off_at_once_and_all_their_jobs_run_under_one_coordinator(
    engine: Engine, sandbox: Sandbox
) -> None:
    def command(number: int) -> int:
        made = engine.hand_off(background(f"job {number}"), foreground(f"front {number}"))
        return len(made)

    numbers = range(32)
    assert at_once([lambda n=n: command(n) for n in numbers]) == [2] * 32  # type: ignore[misc]  # bound per round
    names = {f"job {number}" for number in numbers}

    def done() -> bool:
        ended = {row["name"] for row in engine.rows() if row["status"] == "succeeded"}
        return names <= ended

    wait_until(done, timeout=30, what="32 jobs to succeed")
    assert len(coordinators(sandbox)) == 1
    journal = engine.journal()
    assert journal.count("serves") == 1
    assert "locked" not in journal
    assert "Traceback" not in journal


def test_two_repositories_have_two_coordinators_also_with_one_runtime_folder(
    engine: Engine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.hand_off(background("here"))
    monkeypatch.setenv("BOUGH_STATE_DIR", str(sandbox.root / "s2"))
    other = Engine(
        sandbox.root / "s2"
    )  # the same repository, as a command with other state sees it
    other.hand_off(background("there"))
    assert engine.ended("here")["status"] == other.ended("there")["status"] == "succeeded"
    assert engine.served() != other.served()
    engine.hand_off(background("again"))
    assert engine.ended("again")["status"] == "succeeded"
    os.kill(other.served(), signal.SIGTERM)
    other.unserved()


def test_a_coordinator_keeps_nothing_of_its_command(engine: Engine) -> None:
    """Not its terminal, pipes, session, folder, umask or secrets."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    os.environ["API_TOKEN"] = "t0p-s3cr3t"  # noqa: S105 - that is the point
    spawn.start(engine.places)
    pid = engine.served()
    process = psutil.Process(pid)
    assert os.getsid(pid) == pid
    assert process.cwd() == "/"
    passed_on = process.environ()
    assert "API_TOKEN" not in passed_on
    # Without these it would look for its files in other places than the command does.
    for name in (
        "HOME",
        "BOUGH_STATE_DIR",
        "BOUGH_RUNTIME_DIR",
        "XDG_STATE_HOME",
        "XDG_RUNTIME_DIR",
    ):
        assert passed_on[name] == os.environ[name]
    targets = {
        name: os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")
    }
    assert targets["0"] == "/dev/null"
    assert targets["1"] == targets["2"] == engine.places.log
    os.close(write)
    assert os.read(read, 1) == b"", "somebody still holds the command's pipe"
    os.close(read)


def test_its_files_are_private(engine: Engine) -> None:
    before = os.umask(0)
    try:
        spawn.start(engine.places)
        engine.served()
    finally:
        os.umask(before)
    root = Path(engine.places.root)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()}
    assert set(modes) >= {"coordinator.lock", "coordinator.json", "coordinator.log"}
    assert set(modes.values()) == {0o600}
    path = Path(json.loads(Path(engine.places.info).read_text())["socket"])
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_clients_find_the_socket_by_what_it_says_not_by_their_own_environment(
    engine: Engine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn.start(engine.places)
    pid = engine.served()
    monkeypatch.setenv("BOUGH_RUNTIME_DIR", str(sandbox.root / "elsewhere"))
    connection = client.connect(engine.places)
    assert connection is not None
    with connection:
        assert connection.ask("Status")["pid"] == pid


def test_a_runtime_folder_that_is_too_deep_is_replaced_by_a_short_private_one(
    engine: Engine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = sandbox.root / ("d" * 120)
    monkeypatch.setenv("BOUGH_RUNTIME_DIR", str(deep))
    path = Path(socket_path(engine.places))
    assert len(os.fsencode(path)) <= places.SOCKET_PATH_LIMIT
    assert path.parent == Path(f"/tmp/bough-{os.geteuid()}")  # noqa: S108 - the short way out
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    engine.hand_off(background("a"))
    assert engine.ended("a")["status"] == "succeeded"
    os.kill(engine.served(), signal.SIGTERM)
    engine.unserved()
    assert not path.exists()


def test_a_runtime_folder_that_cannot_be_had_ends_it_with_the_reason(
    engine: Engine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sandbox.root / "file").write_text("")
    monkeypatch.setenv("BOUGH_RUNTIME_DIR", str(sandbox.root / "file"))
    with pytest.raises(PlaceError):
        socket_path(engine.places)
    process = contender(engine)
    assert process.wait(20) == 1
    assert "cannot serve: cannot use the folder" in engine.journal()


def test_a_database_of_a_newer_bough_ends_it_with_the_reason(engine: Engine) -> None:
    with engine.writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    process = contender(engine)
    assert process.wait(20) == 6
    assert "cannot serve" in engine.journal()
    assert "Traceback" not in engine.journal()
