"""One attempt from its gate to its end, driven by the pump: outcomes, limits, what is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import kernel
from bough.coordinator.child import fork_gated
from bough.coordinator.execution import Execution, Limits, signal_name
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.pump import Pump
from tests.support import store
from tests.support.engine import group_gone
from tests.support.waiting import wait_until

Outcome = dict[str, Any]


class Attempt:
    """A job in `folder`; `run` drives it to its end."""

    def __init__(self, folder: Path, script: str, **limits: int | None) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "output.jsonl"
        self.marker = folder / "cancel"
        writer = LogWriter(str(self.log), max_size=None, sample_every=1)
        child = fork_gated(
            ["/bin/sh", "-c", script], cwd=str(folder), env=dict(os.environ), umask=0o022
        )
        assert child.release() == ""
        fields: dict[str, Any] = {"timeout_ms": None, "idle_ms": None, "grace_ms": 5_000}
        self.pid = child.pid
        self.execution = Execution(
            child, writer, Limits(**(fields | limits)), str(self.marker), time.monotonic()
        )

    def run(self, *, until: Callable[[], bool] | None = None) -> Outcome:
        """The outcome; or stop driving as soon as `until` is true."""
        with Pump() as pump:
            pump.add(self.execution)
            while self.execution.outcome is None:
                if until is not None and until():
                    return {}
                pump.step(0.01 if until is not None else 10.0)
        return self.execution.outcome

    def printed(self) -> list[str]:
        return [
            record["data"]
            for record in store.log_records(self.log)
            if record["kind"] in {"stdout", "stderr"}
        ]

    def last(self) -> dict[str, Any]:
        return store.log_records(self.log)[-1]


def picked(outcome: Outcome, *keys: str) -> tuple[Any, ...]:
    return tuple(outcome.get(key) for key in keys)


# How it ended.


@pytest.mark.parametrize("code", [0, 1, 42, 126, 127, 137, 255])
def test_the_exit_code_is_exact(tmp_path: Path, code: int) -> None:
    outcome = Attempt(tmp_path, f"exit {code}").run()
    assert picked(outcome, "status", "exit_code", "signal") == ("finished", code, None)
    assert outcome["reason"] == ("" if code == 0 else f"exit code {code}")


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "INT", "HUP", "PIPE", "USR1", "ALRM"])
def test_the_signal_is_exact_and_not_taken_for_an_exit_code(tmp_path: Path, name: str) -> None:
    outcome = Attempt(tmp_path, f"kill -{name} $$").run()
    number = getattr(signal, f"SIG{name}")
    assert picked(outcome, "status", "exit_code", "signal") == ("signaled", None, number)
    assert outcome["reason"] == f"killed by SIG{name}"
    assert picked(Attempt(tmp_path, f"exit {128 + number}").run(), "status", "exit_code") == (
        "finished",
        128 + number,
    )


def test_a_signal_without_a_name_is_a_number() -> None:
    assert signal_name(signal.SIGKILL) == "SIGKILL"
    unnamed = next(n for n in range(1, 200) if n not in set(signal.Signals))
    assert signal_name(unnamed) == f"signal {unnamed}"


def test_a_job_that_kills_its_own_group_ends_itself_alone(tmp_path: Path) -> None:
    outcome = Attempt(tmp_path, "echo before; kill 0; echo after").run()
    assert picked(outcome, "status", "signal") == ("signaled", signal.SIGTERM)


def test_what_it_printed_is_all_there_when_it_ends_at_once(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "seq 1 20000; echo end >&2; exit 7")
    assert attempt.run()["exit_code"] == 7
    printed = attempt.printed()
    assert [line for line in printed if line != "end"] == [str(n) for n in range(1, 20001)]
    assert printed.count("end") == 1


def test_the_last_record_says_how_it_ended(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "echo out; exit 3")
    outcome = attempt.run()
    last = attempt.last()
    assert (last["kind"], last["status"], last["exit_code"]) == ("status", "finished", 3)
    assert last["duration_ms"] == outcome["duration_ms"]
    assert outcome["log_lines"] == 1
    assert outcome["log_bytes"] == attempt.log.stat().st_size


def test_its_input_is_empty(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "cat; echo done")
    assert attempt.run()["exit_code"] == 0
    assert attempt.printed() == ["done"]


# Limits.


def test_a_job_over_its_time_is_stopped_with_all_its_children(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "sleep 60 & sleep 60 & wait", timeout_ms=100)
    outcome = attempt.run()
    assert picked(outcome, "status", "signal") == ("timed_out", signal.SIGTERM)
    assert outcome["reason"] == "timed out after 0.1 s"
    assert kernel.group_members(attempt.pid) == []
    assert attempt.last()["status"] == "timed_out"


def test_a_silent_job_is_stopped_and_one_that_talks_is_not(tmp_path: Path) -> None:
    silent = Attempt(tmp_path / "a", "echo once; exec sleep 60", idle_ms=150).run()
    assert picked(silent, "status", "reason") == ("timed_out", "no output for 0.15 s")
    talking = Attempt(
        tmp_path / "b", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done", idle_ms=400
    ).run()
    assert picked(talking, "status", "exit_code") == ("finished", 0)


def test_a_job_that_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    attempt = Attempt(
        tmp_path, "trap '' TERM; echo ready; while :; do sleep 60; done", idle_ms=50, grace_ms=200
    )
    began = time.monotonic()
    outcome = attempt.run()
    assert time.monotonic() - began >= 0.25
    assert picked(outcome, "status", "signal") == ("timed_out", signal.SIGKILL)
    assert kernel.group_members(attempt.pid) == []


def test_a_job_that_cleans_up_within_its_grace_is_not_killed(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    attempt = Attempt(tmp_path, script, idle_ms=50)
    outcome = attempt.run()
    assert picked(outcome, "status", "exit_code", "signal") == ("timed_out", 9, None)
    assert "bye" in attempt.printed()


def test_a_child_that_ignores_the_signal_does_not_outlive_the_job(tmp_path: Path) -> None:
    script = "(trap '' TERM; echo ready; exec sleep 60 >/dev/null 2>&1) & wait"
    attempt = Attempt(tmp_path, script, idle_ms=100, grace_ms=200)
    outcome = attempt.run()
    assert picked(outcome, "status", "signal") == ("timed_out", signal.SIGTERM)
    assert kernel.group_members(attempt.pid) == []


def test_a_second_stop_kills_at_once(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "trap '' TERM; echo ready; while :; do sleep 60; done")
    attempt.run(until=lambda: attempt.printed() == ["ready"])
    attempt.execution.stop("interrupted", time.monotonic())
    attempt.execution.stop("interrupted", time.monotonic())
    assert picked(attempt.run(), "reason", "signal") == ("interrupted", signal.SIGKILL)


# Cancellation from outside: whoever signals leaves a mark first.


def test_a_job_with_the_mark_was_cancelled_however_it_ended(tmp_path: Path) -> None:
    for script in ("exit 0", "exit 3", "kill -TERM $$"):
        attempt = Attempt(tmp_path, script)
        attempt.marker.touch()
        assert attempt.run()["status"] == "cancelled"
        assert attempt.last()["status"] == "cancelled"


def test_a_cancelled_job_has_ended_when_its_whole_group_is_dead(tmp_path: Path) -> None:
    script = "(trap '' TERM; echo ready; exec sleep 60 >/dev/null 2>&1) & wait"
    attempt = Attempt(tmp_path, script, grace_ms=200)
    attempt.run(until=lambda: attempt.printed() == ["ready"])
    attempt.marker.touch()
    os.killpg(attempt.pid, signal.SIGTERM)
    outcome = attempt.run()
    assert picked(outcome, "status", "signal") == ("cancelled", signal.SIGTERM)
    assert kernel.group_members(attempt.pid) == []


# What is left when it ends.


def holder(setsid: str) -> str:
    """A script that leaves a process behind which holds its pipes."""
    return f"{setsid} sleep 60 & echo $! > left; echo said; exit 0"


@pytest.mark.parametrize("setsid", ["", "setsid"], ids=["same group", "daemonised"])
def test_a_job_ends_with_its_main_process_and_says_who_holds_its_pipes(
    tmp_path: Path, setsid: str
) -> None:
    attempt = Attempt(tmp_path, holder(setsid))
    outcome = attempt.run()
    assert picked(outcome, "status", "exit_code", "left_running") == ("finished", 0, 1)
    assert attempt.last()["left_running"] == 1
    left = int((tmp_path / "left").read_text())
    assert kernel.start_ticks(left) is not None, "it was not asked to stop"
    os.kill(left, signal.SIGKILL)
    wait_until(lambda: kernel.start_ticks(left) is None)


def test_what_descendants_print_within_the_drain_is_kept(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "(sleep 0.05; echo late) & echo early")
    outcome = attempt.run()
    assert attempt.printed() == ["early", "late"]
    assert "left_running" not in outcome


def test_a_descendant_without_the_pipes_delays_nothing(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "sleep 60 >/dev/null 2>&1 & exit 0")
    assert "left_running" not in attempt.run()
    os.killpg(attempt.pid, signal.SIGKILL)
    group_gone(attempt.pid)


def test_who_is_stopped_with_the_job_is_not_left_running(tmp_path: Path) -> None:
    script = "trap 'exit 1' TERM; (trap '' TERM; echo x; sleep 60) & while :; do sleep 0.02; done"
    attempt = Attempt(tmp_path, script, timeout_ms=150, grace_ms=400)
    outcome = attempt.run()
    assert outcome["status"] == "timed_out"
    assert "left_running" not in outcome
    assert kernel.group_members(attempt.pid) == []


def test_the_number_of_a_group_is_not_given_away_while_it_is_needed(tmp_path: Path) -> None:
    """The main process stays unreaped until the end of its group."""
    script = "trap 'exit 0' TERM; (trap '' TERM; echo x; exec sleep 60 >/dev/null 2>&1) & wait"
    attempt = Attempt(tmp_path, script, timeout_ms=100, grace_ms=300)
    status = Path(f"/proc/{attempt.pid}/stat")
    if not status.exists():
        pytest.skip("reads /proc")
    attempt.run(until=lambda: status.read_text().split()[2] == "Z")
    assert kernel.group_members(attempt.pid)
    attempt.run()
    assert not status.exists()


# The pump.


def test_one_pump_drives_many_executions_each_to_its_own_end(tmp_path: Path) -> None:
    attempts = [Attempt(tmp_path / str(n), f"echo {n}; exit {n}") for n in range(12)]
    with Pump() as pump:
        for attempt in attempts:
            pump.add(attempt.execution)
        ended: list[Execution] = []
        while pump.executions:
            now, signals = pump.step(10.0)
            ended += now
            assert signals == []
    assert {id(execution) for execution in ended} == {id(a.execution) for a in attempts}
    for number, attempt in enumerate(attempts):
        assert attempt.execution.outcome is not None
        assert attempt.execution.outcome["exit_code"] == number
        assert attempt.printed() == [str(number)]


def test_a_signal_that_was_asked_for_is_reported_once_and_then_as_before() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Pump((signal.SIGUSR1, signal.SIGUSR2)) as pump:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert pump.step(5.0) == ([], [signal.SIGUSR1])
        assert pump.step(0.0) == ([], [])
    assert signal.getsignal(signal.SIGUSR1) == before


def test_a_signal_wakes_a_pump_that_waits_for_ever() -> None:
    with Pump((signal.SIGUSR1,)) as pump:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert pump.step(None) == ([], [signal.SIGUSR1])


def test_a_pump_at_rest_does_not_spin(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "sleep 0.3")
    steps = 0
    with Pump() as pump:
        pump.add(attempt.execution)
        while attempt.execution.outcome is None:
            pump.step(None)
            steps += 1
    assert steps < 8


def test_a_pump_leaves_signals_and_descriptors_as_they_were(tmp_path: Path) -> None:
    descriptors = sorted(os.listdir("/dev/fd"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGINT)}
    Attempt(tmp_path, "echo x").run()
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert signal.set_wakeup_fd(-1) == -1
    assert sorted(os.listdir("/dev/fd")) == descriptors


def test_pipe_holders_are_the_other_processes_that_have_it_open() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    read, write = os.pipe()
    child = fork_gated(["/bin/sh", "-c", "sleep 60"], cwd="/", env=dict(os.environ), umask=0)
    inode = os.fstat(child.stdout).st_ino
    assert kernel.pipe_holders({inode}) == [child.pid]
    assert kernel.pipe_holders({os.fstat(read).st_ino}) == []
    child.abandon()
    os.close(read)
    os.close(write)
