"""Coordinators, supervisors, jobs and commands are killed; rows and logs stay truthful."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bough.coordinator import jobfolder, kernel, processes
from bough.coordinator.attachment import Attachment
from bough.coordinator.model import Change, Job, LogPolicy, ProcessIdentity, Retry, Status
from bough.coordinator.reconcile import truthful
from bough.coordinator.store import jobs
from tests.support.engine import (
    Engine,
    background,
    dead_process,
    exit_of,
    foreground,
    forked,
    gone,
    group_gone,
    kill,
)
from tests.support.waiting import wait_until

WAIT = "while [ ! -e go ]; do sleep 0.01; done"


def lines(engine: Engine, name: str) -> list[str]:
    return engine.output(name).splitlines()


# The coordinator is killed.


def test_a_successor_takes_over_what_runs_with_its_exact_end(engine: Engine) -> None:
    engine.set(max_parallel=8)
    engine.hand_off(
        background(
            "talks",
            "i=0; while [ ! -e go ]; do i=$((i+1)); echo $i; done; echo end",
            log=LogPolicy(max_size=None),
        ),
        background("fails", f"{WAIT}; exit 42"),
        background("dies", f"{WAIT}; kill -SEGV $$"),
        background("ends meanwhile", "while [ ! -e meanwhile ]; do sleep 0.01; done; exit 3"),
        background("next", needs=("talks",)),
    )
    for name in ("talks", "fails", "dies", "ends meanwhile"):
        engine.reaches(name, "running")
    engine.kill_coordinator()
    Path("meanwhile").touch()
    wait_until((engine.folder("ends meanwhile") / "exit.json").exists, what="its end")
    assert engine.row("ends meanwhile")["status"] == "running", "nobody was there to record it"
    engine.wake()
    assert engine.ended("ends meanwhile")["exit_code"] == 3
    Path("go").touch()
    engine.all_ended()
    ends = {row["name"]: (row["status"], row["exit_code"], row["signal"]) for row in engine.rows()}
    assert ends == {
        "talks": ("succeeded", 0, None),
        "fails": ("failed", 42, None),
        "dies": ("failed", None, signal.SIGSEGV),
        "ends meanwhile": ("failed", 3, None),
        "next": ("succeeded", 0, None),
    }
    *counted, end = lines(engine, "talks")
    assert end == "end"
    assert counted == [str(number) for number in range(1, len(counted) + 1)]
    for name in ("talks", "fails", "dies", "ends meanwhile"):
        assert len(engine.rows(name)) == 1
        assert engine.path(name).count("running") == 1


def test_a_reader_wakes_the_successor_and_shows_the_truth_before_it_is_recorded(
    engine: Engine,
) -> None:
    (job,) = engine.hand_off(background("a", f"{WAIT}; exit 9"))
    engine.reaches("a", "running")
    engine.kill_coordinator()
    Path("go").touch()
    jobfolder.wait_for_end(str(engine.folder("a")))
    (shown,) = truthful(engine.places, [engine.job("a")])
    assert (shown.status, shown.exit_code) == ("failed", 9)
    assert shown.finished_at is not None
    assert engine.ended("a")["exit_code"] == 9
    assert engine.row("a")["id"] == job.id


def test_a_start_that_was_interrupted_begins_again_and_runs_once(engine: Engine) -> None:
    """As a coordinator leaves it that dies between its claim and its supervisor."""
    (job,) = engine.hand_off(background("a", "echo ran >> ran"), wake=False)
    with engine.writing() as connection:
        jobs.move(connection, job, Change(to=Status.STARTING, by="coordinator"))
    engine.wake()
    assert engine.ended("a")["status"] == "succeeded"
    assert engine.path("a") == [
        "queued",
        "starting",
        "queued",
        "starting",
        "running",
        "succeeded",
    ]
    assert Path("ran").read_text() == "ran\n"


def test_an_identity_without_an_opened_gate_begins_again_and_runs_once(engine: Engine) -> None:
    """As a coordinator leaves it that dies between committing `running` and opening the gate."""
    (job,) = engine.hand_off(background("a", "echo ran >> ran"), wake=False)
    folder = engine.folder("a")
    jobfolder.prepare(str(folder))
    (folder / "lock").touch()
    (folder / "exit.json").write_text('{"status": "not_started"}')
    with engine.writing() as connection:
        starting = jobs.move(connection, job, Change(to=Status.STARTING, by="coordinator"))
        dead = dead_process()
        identity = Change(to=Status.RUNNING, by="coordinator", process=dead, pgid=dead.pid)
        jobs.move(connection, starting, identity)
    engine.wake()
    assert engine.ended("a")["status"] == "succeeded"
    assert Path("ran").read_text() == "ran\n"
    assert engine.row("a")["pid"] != dead.pid


def test_an_end_survives_the_loss_of_the_identity(engine: Engine) -> None:
    """As a power failure leaves it: the claim is on the disk, the commit after it is not."""
    (job,) = engine.hand_off(
        background("a", "touch ran"), background("b", needs=("a",)), wake=False
    )[:1]
    folder = engine.folder("a")
    jobfolder.prepare(str(folder))
    (folder / "output.jsonl").write_text('{"seq":1}\n')
    (folder / "exit.json").write_text(
        '{"status": "finished", "reason": "", "exit_code": 0, "signal": null, "finished_at": 5}'
    )
    with engine.writing() as connection:
        jobs.move(connection, job, Change(to=Status.STARTING, by="coordinator"))
    engine.wake()
    assert engine.ended("a")["status"] == "succeeded"
    assert engine.ended("b")["status"] == "succeeded"
    assert not Path("ran").exists()


def test_a_job_over_which_coordinators_keep_dying_is_given_up_and_others_are_not(
    engine: Engine,
) -> None:
    job, _other = engine.hand_off(
        background("bad", "touch ran"),
        background("good"),
        background("after", needs=("bad",)),
        wake=False,
    )[:2]
    with engine.writing() as connection:
        for _ in range(2):
            job = jobs.move(connection, job, Change(to=Status.STARTING, by="coordinator"))
            job = jobs.move(connection, job, Change(to=Status.QUEUED, by="coordinator"))
        jobs.move(connection, job, Change(to=Status.STARTING, by="coordinator"))
    engine.wake()
    row = engine.ended("bad")
    assert (row["status"], row["reason"]) == ("crashed", "coordinator died 3 times")
    assert engine.ended("good")["status"] == "succeeded"
    assert engine.ended("after")["reason"] == "needs bad, which crashed"
    assert not Path("ran").exists()


# The supervisor is killed.


def test_a_killed_supervisor_is_a_crash_and_its_group_is_ended_and_nothing_else(
    engine: Engine,
) -> None:
    engine.set(max_parallel=4)
    engine.hand_off(
        background("victim", "echo one; echo two; sleep 60 & sleep 60 & wait", retry=Retry(max=2)),
        background("neighbour", WAIT),
        background("after", needs=("victim",)),
    )
    row = engine.reaches("victim", "running")
    engine.reaches("neighbour", "running")
    wait_until(lambda: row["log"].exists() and lines(engine, "victim") == ["one", "two"])
    wait_until(lambda: len(kernel.group_members(row["pgid"])) == 3, what="its children")
    kill(engine.supervisor("victim"))
    ended = engine.ended("victim")
    assert (ended["status"], ended["reason"]) == ("crashed", "its supervisor was killed")
    assert (ended["exit_code"], ended["signal"]) == (None, None), "nobody knows"
    assert kernel.group_members(row["pgid"]) == []
    assert len(engine.rows("victim")) == 1
    assert lines(engine, "victim") == ["one", "two"]
    assert engine.ended("after")["reason"] == "needs victim, which crashed"
    assert engine.row("neighbour")["status"] == "running"
    Path("go").touch()
    assert engine.ended("neighbour")["status"] == "succeeded"


def test_both_killed_at_once_is_a_crash_for_the_successor(engine: Engine) -> None:
    engine.hand_off(background("a", "echo one; sleep 60 & wait"))
    row = engine.reaches("a", "running")
    wait_until(lambda: row["log"].exists() and lines(engine, "a") == ["one"])
    supervisor = engine.supervisor("a")
    coordinator = engine.served()
    os.kill(coordinator, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    gone(coordinator)
    gone(supervisor)
    (shown,) = truthful(engine.places, [engine.job("a")])
    assert (shown.status, shown.reason) == ("crashed", "its supervisor was killed")
    assert engine.ended("a")["status"] == "crashed"
    assert kernel.group_members(row["pgid"]) == []


def test_a_job_killed_by_hand_is_a_failure_that_names_the_signal(engine: Engine) -> None:
    engine.hand_off(background("a", "exec sleep 60"))
    row = engine.reaches("a", "running")
    os.killpg(row["pgid"], signal.SIGKILL)
    ended = engine.ended("a")
    assert (ended["status"], ended["signal"]) == ("failed", signal.SIGKILL)


# Rows that are not of here and now.


@contextmanager
def stranger() -> Iterator[tuple[subprocess.Popen[bytes], ProcessIdentity]]:
    """A process that no row should ever touch, in a group of its own."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        identity = processes.identify(process.pid)
        assert identity is not None
        yield process, identity
        assert process.poll() is None, "it was signalled"
        process.kill()


def forge(engine: Engine, job: Job, identity: ProcessIdentity) -> None:
    """Make the row one that runs as `identity`, started, without a supervisor."""
    if job.owner == "background":
        folder = engine.folder(job.name)
        jobfolder.prepare(str(folder))
        (folder / "output.jsonl").write_text('{"seq":1}\n')
    with engine.writing() as connection:
        running = Change(
            to=Status.RUNNING, by="coordinator", process=identity, pgid=identity.pid, started_at=1
        )
        jobs.move(connection, job, running)


FORGERIES = {
    "reused": {"start_ticks": 1},
    "another boot": {"boot_id": "another boot/pid:[1]"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("cancelled", [False, True], ids=["crashed", "cancelled"])
def test_a_background_row_with_a_foreign_process_is_ended_without_touching_it(
    engine: Engine, forgery: str, cancelled: bool
) -> None:
    with stranger() as (_process, identity):
        (job,) = engine.hand_off(background("a", "touch ran"), wake=False)
        forge(engine, job, replace(identity, **FORGERIES[forgery]))  # type: ignore[arg-type]  # fields by name
        if cancelled:
            with engine.writing() as connection:
                change = Change(to=Status.CANCELLING, by="client")
                jobs.move(connection, jobs.by_ids(connection, [job.id])[0], change)
        engine.wake()
        assert engine.ended("a")["status"] == "crashed"
    assert not Path("ran").exists()


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_foreground_row_with_a_foreign_process_is_ended_without_touching_it(
    engine: Engine, forgery: str
) -> None:
    with stranger() as (_process, identity):
        front, _back = engine.hand_off(
            foreground("front"),
            background("back", needs=("front",)),
            wake=False,
            owner=dead_process(),
        )
        forge(engine, front, replace(identity, **FORGERIES[forgery]))  # type: ignore[arg-type]  # fields by name
        engine.wake()
        row = engine.ended("front")
        assert (row["status"], row["reason"]) == ("cancelled", "command died")
        engine.ended("back")


# The command is killed.


def command(engine: Engine, *, attach: bool) -> int:
    """A fork that owns a running foreground job with a child, and waits for ever."""

    def run() -> None:
        front = engine.hand_off(
            foreground("front"),
            foreground("queued"),
            background("back", needs=("front",)),
            background("free"),
            wake=False,
        )[0]
        job = subprocess.Popen(
            ["/bin/sh", "-c", "sleep 60 & sleep 60 & wait"], start_new_session=True
        )
        with engine.writing() as connection:
            change = Change(
                to=Status.RUNNING,
                by="command",
                process=processes.identify(job.pid),
                pgid=job.pid,
                started_at=1,
            )
            jobs.move(connection, front, change)
        attachment = Attachment(engine.places, front.invocation)
        attachment.wake()
        if attach:
            engine.served()
            attachment.attach()
            assert attachment.attached
        else:
            attachment.close()
        Path("ready").touch()
        signal.pause()

    pid = forked(run)
    wait_until(lambda: Path("ready").exists(), what="the command")
    return pid


def test_the_death_of_an_attached_command_ends_its_jobs_at_once(engine: Engine) -> None:
    pid = command(engine, attach=True)
    engine.reaches("free", "succeeded")
    group = engine.row("front")["pgid"]
    assert engine.row("back")["status"] == "queued"
    os.kill(pid, signal.SIGKILL)
    assert exit_of(pid) == -signal.SIGKILL
    # Nobody wakes or asks: the broken connection is enough.
    front = engine.ended("front")
    assert (front["status"], front["reason"]) == ("cancelled", "command died")
    group_gone(group)
    queued = engine.ended("queued")
    assert (queued["status"], queued["reason"]) == ("cancelled", "command died")
    back = engine.ended("back")
    assert (back["status"], back["reason"]) == ("skipped", "needs front, which was cancelled")


def test_the_death_of_any_command_is_found_at_the_next_read(engine: Engine) -> None:
    pid = command(engine, attach=False)
    engine.reaches("free", "succeeded")
    group = engine.row("front")["pgid"]
    os.kill(pid, signal.SIGKILL)
    assert exit_of(pid) == -signal.SIGKILL
    shown = truthful(engine.places, [engine.job("front"), engine.job("queued")])
    assert [(job.status, job.reason) for job in shown] == [("cancelled", "command died")] * 2
    engine.all_ended()
    group_gone(group)


def test_rows_of_a_living_command_are_left_alone(engine: Engine) -> None:
    pid = command(engine, attach=True)
    engine.reaches("free", "succeeded")
    for _ in range(3):
        engine.wake()
    assert engine.row("front")["status"] == "running"
    assert engine.row("queued")["status"] == "queued"
    (shown,) = truthful(engine.places, [engine.job("front")])
    assert shown.status == "running"
    os.kill(pid, signal.SIGKILL)
    exit_of(pid)
    engine.all_ended()


def test_readers_put_up_with_a_home_that_cannot_be_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.hand_off(background("a"), wake=False)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    (shown,) = truthful(engine.places, [engine.job("a")])
    assert shown.status == "queued"


def test_readers_of_what_has_ended_wake_nobody(engine: Engine) -> None:
    engine.set(idle_exit_ms=1)
    engine.hand_off(background("a"))
    engine.ended("a")
    engine.unserved()
    (shown,) = truthful(engine.places, [engine.job("a")])
    assert shown == engine.job("a")
    assert engine.coordinator() is None
    assert engine.journal().count("serves") == 1
