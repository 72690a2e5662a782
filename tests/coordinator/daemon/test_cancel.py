"""Stopping jobs from outside: the intent is visible, the group is dead, the row is true."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.coordinator import control, kernel, processes
from bough.coordinator.control import KillFailed
from bough.coordinator.ipc import client
from bough.coordinator.model import Change, Job, Retry, Status
from bough.coordinator.store import history, jobs
from tests.support.engine import (
    Engine,
    background,
    dead_process,
    exit_of,
    foreground,
    forked,
    group_gone,
)
from tests.support.waiting import wait_until

STUBBORN = "trap '' TERM; (trap '' TERM; sleep 60) & echo ready; wait; sleep 60"


def cancel(engine: Engine, *names: str) -> list[Job]:
    with engine.writing() as connection:
        return list(control.cancel(engine.places, connection, [engine.job(name) for name in names]))


def says_ready(engine: Engine, name: str) -> None:
    wait_until(
        lambda: engine.row(name)["log"].exists() and engine.output(name) == "ready\n",
        what=f"{name} to be ready",
    )


def test_a_queued_job_is_cancelled_at_once_and_never_runs(engine: Engine) -> None:
    engine.set(max_parallel=1)
    engine.hand_off(
        background("first", "echo ready; while [ ! -e go ]; do sleep 0.01; done"),
        background("second", "touch ran"),
        background("third", needs=("second",)),
    )
    says_ready(engine, "first")
    (ended,) = cancel(engine, "second")
    assert (ended.status, ended.reason, ended.process) == ("cancelled", "cancelled", None)
    assert engine.row("first")["status"] == "running"
    Path("go").touch()
    assert engine.ended("third")["reason"] == "needs second, which was cancelled"
    assert engine.path("second") == ["queued", "cancelled"]
    assert not Path("ran").exists()


def test_a_running_job_is_stopped_with_its_children_before_its_row_ends(engine: Engine) -> None:
    engine.hand_off(
        background("a", "sleep 60 & sleep 60 & echo ready; wait", retry=Retry(max=3)),
        background("b", needs=("a",)),
    )
    says_ready(engine, "a")
    group = engine.row("a")["pgid"]
    (ended,) = cancel(engine, "a")
    assert kernel.group_members(group) == []
    assert (ended.status, ended.signal) == ("cancelled", signal.SIGTERM)
    assert engine.path("a") == ["queued", "starting", "running", "cancelling", "cancelled"]
    assert engine.log("a")[-1]["status"] == "cancelled"
    assert len(engine.rows("a")) == 1, "what a person cancels is not retried"
    assert engine.ended("b")["reason"] == "needs a, which was cancelled"


def test_the_intent_is_visible_while_a_job_ignores_it(engine: Engine) -> None:
    engine.hand_off(background("a", STUBBORN, grace_ms=600))
    says_ready(engine, "a")
    group = engine.row("a")["pgid"]
    results: list[Job] = []
    began = time.monotonic()
    canceller = threading.Thread(target=lambda: results.extend(cancel(engine, "a")))
    canceller.start()
    row = engine.reaches("a", "cancelling")
    assert (row["reason"], row["finished_at"]) == ("cancelled", None)
    assert kernel.group_members(group)
    canceller.join()
    assert time.monotonic() - began >= 0.6
    assert kernel.group_members(group) == []
    (ended,) = results
    assert (ended.status, ended.signal) == ("cancelled", signal.SIGKILL)


def test_a_child_that_outlives_its_killed_parent_is_dead_when_the_row_ends(
    engine: Engine,
) -> None:
    script = "(trap '' TERM; echo ready; exec sleep 60 >/dev/null 2>&1) & wait"
    engine.hand_off(background("a", script, grace_ms=300))
    says_ready(engine, "a")
    group = engine.row("a")["pgid"]
    cancel(engine, "a")
    assert kernel.group_members(group) == []


def test_what_has_ended_is_left_as_it_is(engine: Engine) -> None:
    engine.hand_off(background("a", "exit 3"))
    before = engine.ended("a")
    (ended,) = cancel(engine, "a")
    assert (ended.status, ended.exit_code) == ("failed", 3)
    assert engine.row("a") == before


def test_a_row_that_ends_while_it_is_cancelled_is_left_as_it_is(engine: Engine) -> None:
    engine.hand_off(background("a", "exit 3"))
    stale = engine.job("a")
    engine.ended("a")
    with engine.writing() as connection:
        (ended,) = control.cancel(engine.places, connection, [stale])
    assert (ended.status, ended.exit_code) == ("failed", 3)


def test_many_are_cancelled_at_once_and_take_one_grace_together(engine: Engine) -> None:
    engine.set(max_parallel=4)
    names = ["a", "b", "c", "d"]
    engine.hand_off(*(background(name, STUBBORN, grace_ms=700) for name in names))
    for name in names:
        says_ready(engine, name)
    ended = cancel(engine, *names)
    assert [job.status for job in ended] == ["cancelled"] * 4
    with engine.writing() as connection:
        events = [event for job in ended for event in history.events(connection, job.id)]
    asked = [event.at for event in events if event.after is Status.CANCELLING]
    done = [event.at for event in events if event.after is Status.CANCELLED]
    assert max(asked) < min(done)


def test_without_a_coordinator_a_new_one_does_it(engine: Engine) -> None:
    engine.hand_off(background("a", "echo ready; exec sleep 60"))
    says_ready(engine, "a")
    engine.kill_coordinator()
    (ended,) = cancel(engine, "a")
    assert (ended.status, ended.signal) == ("cancelled", signal.SIGTERM)


def test_a_canceller_that_was_killed_after_saying_so_is_as_good(engine: Engine) -> None:
    engine.hand_off(background("a", "echo ready; exec sleep 60"))
    says_ready(engine, "a")
    engine.kill_coordinator()
    with engine.writing() as connection:
        jobs.move(connection, engine.job("a"), Change(to=Status.CANCELLING, by="client"))
    engine.wake()
    assert engine.ended("a")["status"] == "cancelled"
    assert engine.log("a")[-1]["status"] == "cancelled"


def test_the_last_queued_job_takes_the_hand_off_with_it(engine: Engine) -> None:
    engine.hand_off(foreground("front"), background("a", needs=("front",)))
    assert len(engine.handoffs()) == 1
    cancel(engine, "a")
    assert engine.handoffs() == []


# Foreground jobs: their command is another process.


class Command:
    """A fork that owns one running foreground job and records its end, as a command does."""

    def __init__(self, engine: Engine, script: str, *, grace_ms: int = 5_000) -> None:
        self.pid = forked(lambda: self._run(engine, script, grace_ms))
        wait_until(lambda: Path("ready").exists(), what="the command")

    def _run(self, engine: Engine, script: str, grace_ms: int) -> None:
        (front,) = engine.hand_off(foreground("front", script, grace_ms=grace_ms), wake=False)
        job = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
        with engine.writing() as connection:
            change = Change(
                to=Status.RUNNING,
                by="command",
                process=processes.identify(job.pid),
                pgid=job.pid,
                started_at=1,
            )
            jobs.move(connection, front, change)
            job.wait()
            group_gone(job.pid)
            row = jobs.reload(connection, front)
            assert row is not None
            jobs.move(connection, row, Change(to=Status.CANCELLED, by="command", signal=15))


@pytest.mark.parametrize("stop", ["kill", "ask"], ids=["by the client", "by the coordinator"])
def test_a_foreground_job_is_cancelled_from_another_terminal(engine: Engine, stop: str) -> None:
    command = Command(engine, "sleep 60 & touch ready; wait")
    group = engine.row("front")["pgid"]
    if stop == "kill":
        (ended,) = cancel(engine, "front")
        assert ended.status == "cancelled"
    else:
        engine.wake()
        engine.served()
        ask(engine, "Cancel", job=engine.row("front")["id"])
    row = engine.ended("front")
    assert (row["status"], row["reason"]) == ("cancelled", "cancelled")
    assert engine.path("front") == ["queued", "running", "cancelling", "cancelled"]
    assert kernel.group_members(group) == []
    assert exit_of(command.pid) == 0


def test_a_foreground_job_of_a_dead_command_is_ended_by_the_canceller(engine: Engine) -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 60 & wait"], start_new_session=True) as process:
        (front,) = engine.hand_off(foreground("front"), wake=False, owner=dead_process())
        identity = processes.identify(process.pid)
        with engine.writing() as connection:
            change = Change(
                to=Status.RUNNING, by="command", process=identity, pgid=process.pid, started_at=1
            )
            jobs.move(connection, front, change)
        (ended,) = cancel(engine, "front")
        assert ended.status == "cancelled"
        assert process.wait() == -signal.SIGTERM
        group_gone(process.pid)
    assert engine.coordinator() is None


def test_a_row_that_nobody_ends_is_said_to_be_still_there(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_BEYOND_GRACE_S", 0.1)
    (front,) = engine.hand_off(foreground("front", grace_ms=10), wake=False)
    with engine.writing() as connection:
        dead = dead_process()
        change = Change(to=Status.RUNNING, by="command", process=dead, pgid=dead.pid)
        jobs.move(connection, front, change)
    with pytest.raises(KillFailed, match=r"still not stopped: .*front") as error:
        cancel(engine, "front")  # we are its command, and record nothing
    assert error.value.code == "KILL_FAILED"
    assert engine.row("front")["status"] == "cancelling"


# By request, to the coordinator.


def ask(engine: Engine, request: str, **payload: object) -> dict[str, object]:
    connection = client.connect(engine.places)
    assert connection is not None
    with connection:
        return connection.ask(request, **payload)


def refused(function: Callable[[], object]) -> str:
    with pytest.raises(client.Refused) as error:
        function()
    return error.value.error_code


def test_exactly_the_matching_jobs_are_cancelled(engine: Engine) -> None:
    engine.set(max_parallel=4)
    engine.hand_off(
        background("a", "exec sleep 60", tags=("x",)),
        background("b", "exec sleep 60", tags=("xy",)),
        event="one",
    )
    engine.hand_off(background("c", "exec sleep 60", tags=("x",)), event="two")
    for name in "abc":
        engine.reaches(name, "running")
    ids = {name: engine.row(name)["id"] for name in "abc"}
    assert refused(lambda: ask(engine, "CancelMatching", tag="y")) == "NO_MATCH"
    assert refused(lambda: ask(engine, "CancelMatching")) == "BAD_REQUEST"
    assert refused(lambda: ask(engine, "Cancel", job=4711)) == "JOB_NOT_FOUND"
    assert ask(engine, "CancelMatching", tag="x", hook="one") == {"jobs": [ids["a"]]}
    assert engine.ended("a")["status"] == "cancelled"
    prefix = engine.row("c")["invocation"][:8]
    assert ask(engine, "CancelMatching", invocation_prefix=prefix) == {"jobs": [ids["c"]]}
    assert engine.ended("c")["status"] == "cancelled"
    assert engine.row("b")["status"] == "running"
    assert refused(lambda: ask(engine, "CancelMatching", older_than_s=3600)) == "NO_MATCH"
    assert ask(engine, "CancelAll") == {"jobs": [ids["b"]]}
    assert engine.ended("b")["status"] == "cancelled"
    assert refused(lambda: ask(engine, "CancelAll")) == "NO_MATCH"


def test_cancelling_twice_is_cancelling_once(engine: Engine) -> None:
    engine.hand_off(background("a", STUBBORN, grace_ms=400))
    says_ready(engine, "a")
    id_ = engine.row("a")["id"]
    assert ask(engine, "Cancel", job=id_) == ask(engine, "Cancel", job=id_) == {"jobs": [id_]}
    assert engine.ended("a")["status"] == "cancelled"
    assert engine.path("a").count("cancelling") == 1


@pytest.mark.parametrize("keep", [True, False], ids=["keeping jobs", "ending jobs"])
def test_shutdown_does_what_was_said_of_the_jobs(engine: Engine, keep: bool) -> None:
    engine.set(max_parallel=1)
    engine.hand_off(
        foreground("front"),
        background("a", "while [ ! -e go ]; do sleep 0.01; done; exit 5"),
        background("b"),
    )
    row = engine.reaches("a", "running")
    ask(engine, "Shutdown", keep_jobs=keep)
    engine.unserved()
    assert engine.row("front")["status"] == "queued", "that one is its command's"
    if keep:
        assert engine.row("b")["status"] == "queued"
        assert kernel.start_ticks(row["pid"]) == row["start_ticks"]
        Path("go").touch()
        engine.wake()
        assert engine.ended("a")["exit_code"] == 5
        assert engine.ended("b")["status"] == "succeeded"
    else:
        assert {engine.row(name)["status"] for name in "ab"} == {"cancelled"}
        assert kernel.group_members(row["pgid"]) == []
        assert engine.handoffs() == []


def test_shutdown_takes_nothing_but_yes_or_no(engine: Engine) -> None:
    engine.wake()
    pid = engine.served()
    assert refused(lambda: ask(engine, "Shutdown", keep_jobs="no")) == "BAD_REQUEST"
    assert ask(engine, "Status")["pid"] == pid
    os.kill(pid, signal.SIGTERM)
