"""The sandbox keeps a test away from the person's own places, and lets no process survive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bough.coordinator import places
from tests.support import leaks
from tests.support.commands import run
from tests.support.isolation import Sandbox, entered, environment, sandboxed
from tests.support.users import as_unprivileged_user

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


def test_every_place_lies_in_the_sandbox(sandbox: Sandbox) -> None:
    root = str(sandbox.root)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "GIT_CONFIG_GLOBAL"):
        assert os.environ[name].startswith(root)
    assert places.state_root() == str(sandbox.state)
    assert places.config_root() == str(sandbox.config)
    assert places.runtime_root() == str(sandbox.runtime)
    assert Path.cwd() == sandbox.work


def test_a_socket_fits_into_the_sandbox(sandbox: Sandbox) -> None:
    assert len(str(sandbox.state / "repos" / ("f" * 36) / "coordinator.sock")) < 100


def test_what_the_persons_shell_holds_does_not_come_along(sandbox: Sandbox) -> None:
    outside = {"GIT_DIR": "/x", "BOUGH_BIN": "/x", "BOUGH": "0", "CI": "1", "PATH": "/bin"}
    inside = environment(sandbox, outside)
    assert not {"GIT_DIR", "BOUGH_BIN", "BOUGH", "CI"} & inside.keys()
    assert inside["PATH"].endswith(":/bin")


def test_the_default_folders_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOUGH_STATE_DIR")
    monkeypatch.delenv("BOUGH_CONFIG_DIR")
    with pytest.raises(AssertionError, match="real default state folder"):
        places.state_root()
    with pytest.raises(AssertionError, match="real default config folder"):
        places.config_root()


def test_git_commits_with_the_sandboxs_identity(sandbox: Sandbox) -> None:
    run(["git", "init", "-q"], cwd=sandbox.work).ok()
    run(["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=sandbox.work).ok()
    log = run(["git", "log", "--format=%an <%ae>"], cwd=sandbox.work).ok()
    assert log.stdout == "Test Person <test@example.com>\n"


def test_leaving_removes_the_folder_even_without_permissions() -> None:
    with sandboxed() as box:
        locked = box.work / "a" / "b"
        locked.mkdir(parents=True)
        (locked / "file").write_text("x")
        locked.chmod(0)
        locked.parent.chmod(0o500)
    assert not box.root.exists()


def test_a_survivor_is_named_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE_S", 0.2)
    with pytest.raises(leaks.Leak, match=r"time\.sleep\(60\)"), sandboxed() as box, entered(box):
        # Through a shell that ends at once: the survivor is nobody's child any more.
        run(["sh", "-c", '"$@" >/dev/null 2>&1 </dev/null & echo $!', "sh", *SLEEPER]).ok()
    assert not leaks.survivors(box.marker, frozenset())


def test_a_surviving_child_is_found_without_its_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE_S", 0.2)
    with pytest.raises(leaks.Leak), sandboxed() as box, entered(box):
        survivor = subprocess.Popen(SLEEPER, env={})
    assert survivor.wait(timeout=10) == -signal.SIGKILL


def test_a_process_that_ends_in_time_is_no_survivor() -> None:
    with sandboxed() as box, entered(box):
        brief = subprocess.Popen(["sleep", "0.2"])
    assert brief.wait(timeout=10) == 0


def test_a_coordinator_is_asked_to_leave() -> None:
    with sandboxed() as box, entered(box):
        coordinator = subprocess.Popen(SLEEPER)
        folder = box.state / "repos" / "some-id"
        folder.mkdir(parents=True)
        (folder / "coordinator.json").write_text(json.dumps({"pid": coordinator.pid}))
    assert coordinator.wait(timeout=10) == -signal.SIGTERM


def test_processes_of_another_test_are_left_alone() -> None:
    with sandboxed() as other, entered(other):
        with sandboxed():
            started = run(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]).ok()
        neighbour = psutil.Process(int(started.stdout))
        assert neighbour.is_running()
        neighbour.kill()


def test_an_unprivileged_user_cannot_write_what_its_mode_forbids(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    def attempt() -> bool:
        try:
            (tmp_path / "file").touch()
        except PermissionError:
            return False
        return True

    def attempt_by_command() -> bool:
        return run(["touch", tmp_path / "file"]).returncode == 0

    assert as_unprivileged_user(attempt) is False
    assert as_unprivileged_user(attempt_by_command) is False


def test_an_error_of_an_unprivileged_user_is_an_error_here() -> None:
    def fails() -> None:
        raise AssertionError("from within")

    with pytest.raises(AssertionError, match="from within"):
        as_unprivileged_user(fails)
