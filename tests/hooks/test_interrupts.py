"""Foreground jobs that are stopped: by Ctrl-C, and from other terminals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bough.coordinator import control, kernel
from bough.coordinator.model import Job, Retry, Status, When
from tests.hooks.foreground import STUBBORN, WAIT, Command, Fork, statuses
from tests.support.engine import (
    Engine,
    exit_of,
    foreground,
    group_gone,
)
from tests.support.isolation import Sandbox
from tests.support.waiting import wait_until


@pytest.fixture
def engine(sandbox: Sandbox) -> Engine:
    return Engine(sandbox.state)


@pytest.fixture
def command(engine: Engine) -> Command:
    return Command(engine)


# Each command runs in a fork, so that a signal to its group reaches what Ctrl-C would.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_stops_what_runs_and_cancels_what_waits(
    engine: Engine, number: signal.Signals
) -> None:
    fork = Fork(
        engine,
        foreground("runs", "sleep 60 & sleep 60 & touch ready; wait", retry=Retry(max=3)),
        foreground("waits", "touch ran", needs=("runs",)),
        foreground("rescue", "touch ran", needs=("runs",), when=When.FAILURE),
        foreground("always", "touch cleaned", needs=("runs",), when=When.ALWAYS),
    )
    fork.running("runs")
    group = engine.row("runs")["pgid"]
    fork.press(number)
    assert fork.end() == "1"
    assert kernel.group_members(group) == []
    assert {row["name"]: (row["status"], row["reason"]) for row in engine.rows()} == {
        "runs": ("cancelled", "interrupted"),
        "waits": ("cancelled", "interrupted"),
        "rescue": ("cancelled", "interrupted"),
        "always": ("succeeded", ""),
    }
    assert engine.path("runs") == ["queued", "running", "cancelling", "cancelled"]
    assert engine.log("runs")[-1]["status"] == "cancelled"
    assert not Path("ran").exists()
    assert Path("cleaned").exists()


def test_a_second_interrupt_kills_and_cancels_also_what_always_runs(engine: Engine) -> None:
    fork = Fork(
        engine,
        foreground("stubborn", STUBBORN, grace_ms=60_000),
        foreground("always", "touch cleaned", needs=("stubborn",), when=When.ALWAYS),
    )
    fork.running("stubborn")
    group = engine.row("stubborn")["pgid"]
    fork.press()
    engine.reaches("stubborn", "cancelling")
    assert engine.row("always")["status"] == "queued"
    fork.press()
    assert fork.end() == "2"
    assert kernel.group_members(group) == []
    row = engine.row("stubborn")
    assert (row["status"], row["signal"]) == ("cancelled", signal.SIGKILL)
    assert engine.row("always")["status"] == "cancelled"
    assert not Path("cleaned").exists()


def test_a_second_interrupt_kills_also_what_runs_because_of_the_first(engine: Engine) -> None:
    fork = Fork(
        engine,
        foreground("runs", "touch ready; sleep 60"),
        foreground(
            "always",
            STUBBORN.replace("ready", "ready2"),
            needs=("runs",),
            when=When.ALWAYS,
            grace_ms=60_000,
        ),
    )
    fork.running("runs")
    fork.press()
    wait_until(Path("ready2").exists, what="the job that always runs")
    fork.press()
    assert fork.end() == "2"
    row = engine.row("always")
    assert (row["status"], row["signal"]) == ("cancelled", signal.SIGKILL)


def test_a_job_that_ends_well_while_it_is_interrupted_is_still_cancelled(engine: Engine) -> None:
    script = "trap 'exit 0' TERM; touch ready; while :; do sleep 0.01; done"
    fork = Fork(engine, foreground("a", script), foreground("b", needs=("a",)))
    fork.running("a")
    fork.press()
    fork.end()
    assert engine.row("a")["status"] == "cancelled"
    assert engine.row("b")["status"] == "cancelled"


def test_a_command_that_is_killed_takes_nothing_back_and_starts_nothing_more(
    engine: Engine,
) -> None:
    fork = Fork(engine, foreground("a", "touch ready; sleep 60"), foreground("b", needs=("a",)))
    fork.running("a")
    row = engine.row("a")
    os.kill(fork.pid, signal.SIGKILL)
    assert exit_of(fork.pid) == -signal.SIGKILL
    engine.wake()
    engine.all_ended()
    assert [r["reason"] for r in engine.rows()] == ["command died"] * 2
    group_gone(row["pgid"])


# Other terminals.


def cancel(engine: Engine, name: str) -> Job:
    with engine.writing() as connection:
        return control.cancel(engine.places, connection, [engine.job(name)])[0]


def test_a_job_that_is_cancelled_elsewhere_ends_and_the_others_go_on(engine: Engine) -> None:
    fork = Fork(
        engine,
        foreground(
            "victim",
            "(trap '' TERM; touch ready; exec sleep 60 >/dev/null 2>&1) & wait",
            grace_ms=200,
            retry=Retry(max=2),
        ),
        foreground("other", f"{WAIT}; exit 0"),
        foreground("after", needs=("victim",)),
        foreground("always", needs=("victim",), when=When.ALWAYS),
    )
    fork.running("victim", "other")
    group = engine.row("victim")["pgid"]
    ended = cancel(engine, "victim")
    assert (ended.status, ended.reason) == ("cancelled", "cancelled")
    assert kernel.group_members(group) == []
    assert engine.row("other")["status"] == "running"
    Path("go").touch()
    assert fork.end() == "0"
    assert engine.path("victim") == ["queued", "running", "cancelling", "cancelled"]
    assert engine.log("victim")[-1]["status"] == "cancelled"
    assert engine.row("after")["reason"] == "needs victim, which was cancelled"
    assert engine.row("always")["status"] == "succeeded"


def test_a_queued_job_that_is_cancelled_elsewhere_never_runs(engine: Engine) -> None:
    fork = Fork(
        engine,
        foreground("first", f"touch ready; {WAIT}"),
        foreground("second", "touch ran", needs=("first",)),
        foreground("third", "touch ran", needs=("second",)),
    )
    fork.running("first")
    assert cancel(engine, "second").status is Status.CANCELLED
    Path("go").touch()
    assert fork.end() == "0"
    assert statuses_of(engine) == {
        "first": "succeeded",
        "second": "cancelled",
        "third": "skipped",
    }
    assert not Path("ran").exists()


def statuses_of(engine: Engine) -> dict[str, str]:
    return {row["name"]: row["status"] for row in engine.rows()}


def test_a_job_cancelled_elsewhere_at_the_worst_moment_does_not_run(
    command: Command, engine: Engine
) -> None:
    """Between the decision to start it and the commit of its identity."""
    with engine.writing() as connection:
        planned = command.insert(
            connection, foreground("a", "touch ran"), foreground("b", needs=("a",))
        )
        cancel(engine, "a")
        done = command.drive(connection, planned)
    assert statuses(done) == {"a": "cancelled", "b": "skipped"}
    assert command.ended() == [("a", "cancelled", False), ("b", "skipped", False)]
    assert not Path("ran").exists()
