"""The supervisor's side of the claim protocol, driven by hand: a socket pair and a locked file.

The coordinator's side is played here, step by step, and killed between any two of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bough.coordinator import jobfolder, kernel, supervisor
from bough.coordinator.model import Status
from bough.coordinator.recovery import Ruling, judge
from tests.support import store
from tests.support.engine import gone, group_gone, kill
from tests.support.waiting import wait_until


class Claim:
    """One job in `folder`, whose coordinator we are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        jobfolder.prepare(str(folder))
        lock = jobfolder.take_lock(str(folder))
        self.control, theirs = socket.socketpair()
        self.control.settimeout(10)
        self.errors = folder.with_name("supervisor.stderr")
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(folder)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={"BOUGH_TEST_ID": os.environ["BOUGH_TEST_ID"]},
                pass_fds=(lock,),
                start_new_session=True,
            )
        theirs.close()
        os.close(lock)

    def order(self, script: str, **known: Any) -> None:
        order = {
            "argv": ["/bin/sh", "-c", script],
            "cwd": str(self.folder.parent),
            "env": {"PATH": os.environ["PATH"]},
            "umask": 0o022,
            "timeout_ms": None,
            "idle_timeout_ms": None,
            "grace_ms": 5_000,
            "max_size": None,
            "sample_every": 1,
            "secrets": [],
            "title": script,
            "identity": {"job": "a job", "attempt": 1},
        }
        body = json.dumps(order | known).encode()
        self.control.sendall(len(body).to_bytes(4, "big") + body)

    def pid(self) -> int:
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = self.control.recv(64)
            assert chunk, self.errors.read_text()
            answer += chunk
        return int(answer)

    def go(self) -> None:
        self.control.send(b"G")
        self.control.close()

    def finish(self) -> dict[str, Any]:
        """The content of exit.json, once the supervisor has ended, whose code is 0."""
        assert self.process.wait(10) == 0, self.errors.read_text()
        self.control.close()
        assert not self.held
        found: dict[str, Any] = json.loads((self.folder / "exit.json").read_text())
        return found

    @property
    def held(self) -> bool:
        return jobfolder.evidence(str(self.folder)).lock_held

    def records(self) -> list[dict[str, Any]]:
        return store.log_records(self.folder / "output.jsonl")


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    return Claim(tmp_path / "job")


def proof(claim: Claim) -> Path:
    return claim.folder.parent / "proof"


RUN = "echo ran >> proof"


def test_a_job_runs_once_its_gate_is_opened(claim: Claim) -> None:
    claim.order(f"{RUN}; echo out; echo err >&2; exit 3")
    pid = claim.pid()
    assert claim.held
    assert psutil.Process(pid).ppid() == claim.process.pid
    assert not proof(claim).exists()
    assert not (claim.folder / "output.jsonl").exists()
    claim.go()
    outcome = claim.finish()
    assert (outcome["status"], outcome["exit_code"], outcome["signal"]) == ("finished", 3, None)
    assert proof(claim).read_text() == "ran\n"
    first, *output, last = claim.records()
    assert (first["status"], first["pid"], first["job"], first["data"]) == (
        "started",
        pid,
        "a job",
        f"{RUN}; echo out; echo err >&2; exit 3",
    )
    assert {(record["kind"], record["data"]) for record in output} == {
        ("stdout", "out"),
        ("stderr", "err"),
    }
    assert (last["status"], last["exit_code"]) == ("finished", 3)
    assert claim.errors.read_text() == ""


def test_files_of_a_job_are_private_whatever_its_umask(claim: Claim) -> None:
    claim.order("umask 0", umask=0)
    claim.pid()
    claim.go()
    claim.finish()
    modes = {path.name: path.stat().st_mode & 0o777 for path in claim.folder.iterdir()}
    assert modes == {"lock": 0o600, "exit.json": 0o600, "output.jsonl": 0o600}
    assert claim.folder.stat().st_mode & 0o777 == 0o700


# The coordinator dies between any two steps.


def die_before_the_order(claim: Claim) -> None:
    claim.control.close()


def die_within_the_order(claim: Claim) -> None:
    claim.control.sendall((1000).to_bytes(4, "big") + b'{"argv": ')
    claim.control.close()


def die_before_hearing_the_pid(claim: Claim) -> None:
    claim.order(RUN)
    claim.control.close()


def die_before_opening_the_gate(claim: Claim) -> None:
    claim.order(RUN)
    claim.pid()
    claim.control.close()


def say_something_else(claim: Claim) -> None:
    claim.order(RUN)
    claim.pid()
    claim.control.send(b"X")


@pytest.mark.parametrize(
    "die",
    [
        die_before_the_order,
        die_within_the_order,
        die_before_hearing_the_pid,
        die_before_opening_the_gate,
        say_something_else,
    ],
    ids=lambda step: step.__name__,
)
def test_a_coordinator_that_dies_before_the_gate_leaves_a_job_that_never_ran(
    claim: Claim, die: Any
) -> None:
    die(claim)
    assert claim.finish() == {"status": "not_started"}
    assert not proof(claim).exists()
    assert not (claim.folder / "output.jsonl").exists()
    evidence = jobfolder.evidence(str(claim.folder))
    for status in (Status.STARTING, Status.RUNNING):
        change = judge(status, evidence, by="test").change
        assert change is not None
        assert change.to is Status.QUEUED


def test_a_coordinator_that_dies_after_the_gate_changes_nothing(claim: Claim) -> None:
    claim.order(f"{RUN}; exit 4")
    claim.pid()
    claim.go()  # sent, and the socket closed before it was read
    assert claim.finish()["exit_code"] == 4
    assert proof(claim).read_text() == "ran\n"


# The supervisor is killed between any two steps.


def crashed(claim: Claim) -> Status:
    """What becomes of a running row by the evidence that a killed supervisor left."""
    wait_until(lambda: not claim.held, what="the lock of a dead supervisor to be free")
    verdict = judge(Status.RUNNING, jobfolder.evidence(str(claim.folder)), by="test")
    assert verdict.change is not None
    assert (verdict.ruling is Ruling.STOP_AND_MOVE) == (verdict.change.to is Status.CRASHED)
    return verdict.change.to


def test_a_supervisor_killed_before_the_gate_takes_the_job_with_it(claim: Claim) -> None:
    claim.order(RUN)
    pid = claim.pid()
    claim.process.kill()
    claim.process.wait()
    gone(pid)
    assert crashed(claim) is Status.QUEUED
    assert not proof(claim).exists()
    claim.control.close()


def test_a_supervisor_killed_while_its_job_runs_leaves_a_crash(claim: Claim) -> None:
    claim.order("echo one; echo two; exec sleep 60")
    pid = claim.pid()
    claim.go()
    wait_until(
        lambda: (claim.folder / "output.jsonl").exists() and len(claim.records()) == 3,
        what="two lines",
    )
    claim.process.kill()
    claim.process.wait()
    assert crashed(claim) is Status.CRASHED
    assert [record["data"] for record in claim.records()[1:]] == ["one", "two"]
    assert kernel.start_ticks(pid) is not None, "the job is not the supervisor's to take along"
    os.killpg(pid, signal.SIGKILL)
    group_gone(pid)


# What a supervisor puts up with.


def test_signals_meant_for_a_job_do_not_end_its_supervisor(claim: Claim) -> None:
    claim.order("echo ready; sleep 0.2; exit 5")
    claim.pid()
    claim.go()
    wait_until(
        lambda: (claim.folder / "output.jsonl").exists() and len(claim.records()) == 2,
        what="the job to run",
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        claim.process.send_signal(number)
    assert claim.finish()["exit_code"] == 5


def test_a_job_that_kills_its_group_or_its_parents_children_is_reported(claim: Claim) -> None:
    claim.order("trap '' HUP; kill 0")
    claim.pid()
    claim.go()
    outcome = claim.finish()
    assert (outcome["status"], outcome["signal"]) == ("signaled", signal.SIGTERM)


def test_a_job_that_cannot_be_executed_has_failed_and_says_why(claim: Claim) -> None:
    claim.order("", argv=["/no/such/program"])
    claim.pid()
    claim.go()
    outcome = claim.finish()
    assert (outcome["status"], outcome["exit_code"]) == ("finished", 127)
    assert outcome["reason"] == "cannot execute /no/such/program: No such file or directory"
    first, last = claim.records()
    assert (first["status"], last["status"], last["exit_code"]) == ("started", "finished", 127)


def test_a_log_that_cannot_be_written_is_the_end_of_a_job_that_never_ran(claim: Claim) -> None:
    (claim.folder / "output.jsonl").mkdir()
    claim.order(RUN)
    claim.pid()
    claim.go()
    outcome = claim.finish()
    assert (outcome["status"], outcome["exit_code"]) == ("finished", 127)
    assert outcome["reason"].startswith("cannot write its log: ")
    assert not proof(claim).exists()


def test_limits_and_grace_are_those_of_the_order(claim: Claim) -> None:
    claim.order(
        "trap '' TERM; echo ready; while :; do sleep 60; done", timeout_ms=150, grace_ms=150
    )
    claim.pid()
    claim.go()
    outcome = claim.finish()
    assert (outcome["status"], outcome["signal"]) == ("timed_out", signal.SIGKILL)
    assert outcome["reason"] == "timed out after 0.15 s"


def test_secrets_of_the_order_are_masked_in_the_log(claim: Claim) -> None:
    claim.order("echo before-s3cr3t-after; printf s3c; printf r3t", secrets=["s3cr3t"])
    claim.pid()
    claim.go()
    claim.finish()
    text = (claim.folder / "output.jsonl").read_text()
    assert "s3cr3t" not in text
    assert "before-***-after" in text


def test_a_supervisor_needs_nothing_but_the_standard_library(claim: Claim) -> None:
    claim.order("sleep 60")
    pid = claim.pid()
    maps = Path(f"/proc/{claim.process.pid}/maps")
    if maps.exists():
        assert "site-packages" not in maps.read_text()
    assert os.getsid(claim.process.pid) == claim.process.pid
    assert os.getpgid(pid) != os.getpgid(claim.process.pid)
    claim.go()
    os.killpg(pid, signal.SIGKILL)
    assert claim.finish()["signal"] == signal.SIGKILL


def test_the_lock_is_held_from_before_the_supervisor_to_after_the_end(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "job")
    assert claim.held
    with pytest.raises(BlockingIOError):
        jobfolder.take_lock(str(claim.folder))
    claim.order("exit 0")
    claim.pid()
    assert claim.held
    claim.go()
    jobfolder.wait_for_end(str(claim.folder))
    assert (claim.folder / "exit.json").exists()
    claim.finish()


def test_a_job_does_not_hold_the_lock_of_its_supervisor(claim: Claim) -> None:
    claim.order("setsid sleep 60 >/dev/null 2>&1 & echo $! > left; exit 0")
    claim.pid()
    claim.go()
    claim.finish()
    kill(int((claim.folder.parent / "left").read_text()))


# The folder as evidence.


def test_a_folder_without_anything_is_a_job_that_never_started(tmp_path: Path) -> None:
    evidence = jobfolder.evidence(str(tmp_path / "nowhere"))
    assert (evidence.lock_held, evidence.started, evidence.outcome) == (False, False, None)
    jobfolder.wait_for_end(str(tmp_path / "nowhere"))
    jobfolder.request_cancel(str(tmp_path / "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_prepared_empty_of_what_an_interrupted_start_left(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "one"
    jobfolder.prepare(str(folder))
    (folder / "exit.json").write_text('{"status": "not_started"}')
    jobfolder.request_cancel(str(folder))
    jobfolder.prepare(str(folder))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_an_exit_file_that_is_not_whole_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "exit.json").write_bytes(content)
    assert jobfolder.evidence(str(tmp_path)).outcome is None
