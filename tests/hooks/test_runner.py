"""Foreground jobs, from queued rows to their ends, and what goes wrong around them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import kernel
from bough.coordinator.attachment import Attachment
from bough.coordinator.ipc import client
from bough.coordinator.model import Retry, Status, When
from bough.coordinator.store import schemas
from bough.hooks.happenings import Ended, Happening, Printed, Started
from tests.hooks.foreground import WAIT, Command, statuses
from tests.support.engine import (
    Engine,
    background,
    exit_of,
    foreground,
    forked,
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


# From start to end.


def test_rows_logs_and_the_person_agree(command: Command, engine: Engine) -> None:
    done = command.run(
        foreground("good", "echo out; echo err >&2"),
        foreground("bad", "exit 3"),
        foreground("shot", "kill -SEGV $$"),
    )
    assert statuses(done) == {"good": "succeeded", "bad": "failed", "shot": "failed"}
    for name, job in done.items():
        row = engine.row(name)
        assert (row["status"], row["exit_code"], row["signal"], row["reason"]) == (
            job.status,
            job.exit_code,
            job.signal,
            job.reason,
        )
        assert engine.path(name) == ["queued", "running", job.status]
        assert (row["pid"], row["boot_id"]) == (row["pgid"], kernel.boot_id())
        assert row["started_at"] <= row["finished_at"]
    assert (done["bad"].exit_code, done["shot"].signal) == (3, signal.SIGSEGV)
    records = engine.log("good")
    assert [record.get("status", record["data"]) for record in records[:1] + records[-1:]] == [
        "started",
        "finished",
    ]
    assert records[0]["owner"] == "foreground"
    printed = {
        (happening.kind, happening.line)
        for happening in command.seen
        if isinstance(happening, Printed)
    }
    assert printed == {("stdout", b"out\n"), ("stderr", b"err\n")}
    assert sorted(command.told(Started)) == sorted(command.told(Ended)) == ["bad", "good", "shot"]


def test_a_row_says_who_runs_before_the_person_hears_of_it(
    command: Command, engine: Engine
) -> None:
    said: list[tuple[str, int | None, bool]] = []

    def look(happening: Happening) -> None:
        if isinstance(happening, Started):
            row = engine.row(happening.job.name)
            said.append((row["status"], row["pid"], kernel.start_ticks(row["pid"]) is not None))
            Path("go").touch()

    command.react = look
    done = command.run(foreground("a", f"echo $$ > pid; {WAIT}"))
    assert done["a"].status is Status.SUCCEEDED
    assert said == [("running", int(Path("pid").read_text()), True)]


def test_needs_decide_over_order_and_outcome(command: Command) -> None:
    done = command.run(
        foreground("last", "echo last >> order", needs=("first",)),
        foreground("first", "echo first >> order"),
        foreground("bad", "exit 1"),
        foreground("tolerated", "exit 1", allow_failure=True),
        foreground("needs bad", needs=("bad",)),
        foreground("needs tolerated", needs=("tolerated",)),
        foreground("rescue", needs=("bad",), when=When.FAILURE),
        foreground("no rescue", needs=("first",), when=When.FAILURE),
        foreground("always", needs=("needs bad",), when=When.ALWAYS),
        foreground("follows", after=("bad",)),
    )
    assert Path("order").read_text().split() == ["first", "last"]
    assert statuses(done) == {
        "last": "succeeded",
        "first": "succeeded",
        "bad": "failed",
        "tolerated": "failed",
        "needs bad": "skipped",
        "needs tolerated": "succeeded",
        "rescue": "succeeded",
        "no rescue": "skipped",
        "always": "succeeded",
        "follows": "succeeded",
    }
    assert done["needs bad"].reason == "needs bad, which failed"
    assert ("needs bad", "skipped", False) in command.ended()


def test_independent_jobs_run_side_by_side(command: Command) -> None:
    meet = "touch {0}; while [ ! -e {1} ]; do sleep 0.01; done"
    done = command.run(
        foreground("a", meet.format("a", "b"), timeout_ms=10_000),
        foreground("b", meet.format("b", "a"), timeout_ms=10_000),
    )
    assert statuses(done) == {"a": "succeeded", "b": "succeeded"}


def test_a_retry_is_told_as_one_and_what_needs_the_job_waits_for_it(
    command: Command, engine: Engine
) -> None:
    done = command.run(
        foreground("a", '[ "$BOUGH_ATTEMPT" = 3 ]', retry=Retry(max=4, backoff_ms=1)),
        foreground("b", needs=("a",)),
    )
    assert [ended for ended in command.ended() if ended[0] == "a"] == [
        ("a", "failed", True),
        ("a", "failed", True),
        ("a", "succeeded", False),
    ]
    assert (done["a"].attempt, done["b"].status) == (3, Status.SUCCEEDED)
    assert [row["status"] for row in engine.rows("a")] == ["failed", "failed", "succeeded"]


def test_limits_are_kept(command: Command) -> None:
    done = command.run(
        foreground("slow", "sleep 60", timeout_ms=100),
        foreground("mute", "echo x; sleep 60", idle_timeout_ms=100),
    )
    assert statuses(done) == {"slow": "timed_out", "mute": "timed_out"}
    assert done["slow"].reason == "timed out after 0.1 s"


def test_what_cannot_be_executed_has_failed_and_says_why(command: Command, engine: Engine) -> None:
    done = command.run(
        foreground("program", argv=("/no/such/program",)),
        foreground("folder", cwd="/no/such/folder"),
        foreground("after", needs=("program",)),
    )
    assert statuses(done) == {"program": "failed", "folder": "failed", "after": "skipped"}
    assert done["program"].exit_code == 127
    assert "cannot execute /no/such/program" in done["program"].reason
    assert "cannot enter /no/such/folder" in engine.log("folder")[-1]["data"]


def test_a_log_that_cannot_be_written_is_a_failure_not_an_end_of_everything(
    command: Command, engine: Engine
) -> None:
    Path(engine.places.root).mkdir(parents=True)
    Path(engine.places.jobs).write_text("a file in the place of a folder")
    done = command.run(foreground("a", "touch ran"), foreground("b", needs=("a",)))
    assert statuses(done) == {"a": "failed", "b": "skipped"}
    assert done["a"].reason.startswith("cannot write its log: ")
    assert not Path("ran").exists()


def test_secrets_are_masked_for_the_person_and_in_the_log(engine: Engine) -> None:
    command = Command(engine, API_TOKEN="t0p-s3cr3t")  # noqa: S106 - that is the point
    command.run(foreground("a", 'echo "[$API_TOKEN]"'))
    (printed,) = (happening for happening in command.seen if isinstance(happening, Printed))
    assert printed.line == b"[***]\n"
    assert engine.output("a") == "[***]\n"


def test_many_jobs_leave_no_descriptor_behind(command: Command) -> None:
    before = sorted(os.listdir("/dev/fd"))
    jobs = [foreground(str(number), "echo x") for number in range(20)]
    command.run(*jobs, foreground("none", argv=("/no/such/program",)))
    assert sorted(os.listdir("/dev/fd")) == before


# Background jobs that need foreground ones.


def test_a_background_job_starts_the_moment_its_foreground_need_ends(
    command: Command, engine: Engine
) -> None:
    """While another foreground job still runs: that one ends only when the background job has."""
    planned = engine.hand_off(
        foreground("need", "echo need >> order"),
        foreground(
            "long", "while [ ! -e ran ]; do sleep 0.01; done; echo long >> order", timeout_ms=20_000
        ),
        background("back", "echo back >> order; touch ran", needs=("need",)),
        background("never", needs=("bad",)),
        foreground("bad", "exit 1"),
        wake=False,
    )
    with closing(Attachment(engine.places, planned[0].invocation)) as attachment:
        with engine.writing() as connection:
            done = command.drive(connection, planned, attachment)
        assert done["long"].status is Status.SUCCEEDED
        assert engine.ended("back")["status"] == "succeeded"
        assert engine.ended("never")["reason"] == "needs bad, which failed"
    assert Path("order").read_text().split() == ["need", "back", "long"]
    assert done["back"].status is Status.QUEUED, "not ours to wait for"


def test_a_command_is_tied_to_the_coordinator_as_soon_as_that_is_there(engine: Engine) -> None:
    def run() -> None:
        planned = engine.hand_off(
            foreground("need", f"touch ready; {WAIT}"),
            background("back", needs=("need",)),
            wake=False,
        )
        attachment = Attachment(engine.places, planned[0].invocation)
        attachment.wake()
        with engine.writing() as connection:
            Command(engine).drive(connection, planned, attachment)

    pid = forked(run)
    wait_until(Path("ready").exists, what="the job")
    engine.served()
    connection = _status_connection(engine)
    wait_until(lambda: connection.ask("Status")["clients"] == 2, what="the command to attach")
    connection.close()
    os.kill(pid, signal.SIGKILL)
    exit_of(pid)
    assert engine.ended("need")["reason"] == "command died"
    assert engine.ended("back")["status"] == "skipped"


def _status_connection(engine: Engine) -> Any:
    connection = client.connect(engine.places)
    assert connection is not None
    return connection


def test_a_coordinator_that_hangs_delays_and_is_named_but_stops_nothing(
    command: Command, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", 0.2)
    engine.wake()
    pid = engine.served()
    planned = engine.hand_off(
        foreground("need"), background("back", needs=("need",)), foreground("other"), wake=False
    )
    os.kill(pid, signal.SIGSTOP)
    with (
        closing(Attachment(engine.places, planned[0].invocation)) as attachment,
        engine.writing() as connection,
    ):
        done = command.drive(connection, planned, attachment)
    assert (done["need"].status, done["other"].status) == (Status.SUCCEEDED, Status.SUCCEEDED)
    assert command.notes() == [f"the coordinator (pid {pid}) does not answer"]
    os.kill(pid, signal.SIGCONT)
    engine.wake()
    assert engine.ended("back")["status"] == "succeeded"


# What goes wrong around it.


def test_a_store_that_fails_on_the_way_stops_no_job_and_is_told_once(
    command: Command, engine: Engine
) -> None:
    blocker = schemas.write_repository(engine.places)

    def block(happening: Happening) -> None:
        if isinstance(happening, Started) and happening.job.name == "a":
            blocker.execute("BEGIN IMMEDIATE")

    command.react = block
    with engine.writing() as connection:
        planned = command.insert(
            connection,
            foreground("a", "exit 3", retry=Retry(max=2)),
            foreground("b", "touch ran", needs=("a",), when=When.FAILURE),
            foreground("c", needs=("a",)),
        )
        connection.execute("PRAGMA busy_timeout = 20")
        done = command.drive(connection, planned)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert statuses(done) == {"a": "failed", "b": "succeeded", "c": "skipped"}
    assert done["a"].exit_code == 3
    assert done["c"].reason == "needs a, which failed"
    assert Path("ran").exists()
    (note,) = command.notes()
    assert note.startswith("the rest of this run is not recorded: ")
    assert engine.row("a")["status"] == "running", "nothing was recorded after that"
    assert engine.output("b") == ""


@pytest.mark.parametrize("moment", [Started, Printed])
def test_when_nobody_listens_any_more_nothing_runs_on(
    command: Command, engine: Engine, moment: type[Happening]
) -> None:
    def hang_up(happening: Happening) -> None:
        if isinstance(happening, moment) and len(command.told(Started)) == 2:
            raise BrokenPipeError

    command.react = hang_up
    descendants = "sleep 60 & sleep 60 & echo x; wait"
    with pytest.raises(BrokenPipeError):
        command.run(foreground("a", descendants), foreground("b", descendants))
    for name in "ab":
        group_gone(engine.row(name)["pgid"])
        os.waitpid(engine.row(name)["pid"], 0)


def test_signals_are_as_before_when_it_is_over(command: Command) -> None:
    handlers: Callable[[], list[Any]] = lambda: [  # noqa: E731 - used twice, right here
        signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
    ]
    before = handlers()
    command.run(foreground("a"))
    assert handlers() == before
