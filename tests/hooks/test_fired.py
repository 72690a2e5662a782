"""What came of a firing, also without a store, a runtime folder or a coordinator."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import kernel
from bough.coordinator.model import Job, Owner, Status
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import schemas
from bough.hooks import trust
from bough.hooks.config.model import Config
from bough.hooks.environment import hook_environment
from bough.hooks.events import POST_CREATE, PRE_CREATE, FailMode
from bough.hooks.firing import (
    Fired,
)
from bough.hooks.happenings import Ended, Happening, Noted, Printed
from tests.hooks.firings import Firing, declared, statuses
from tests.support.engine import Engine, exit_of, forked, job
from tests.support.isolation import Sandbox
from tests.support.users import as_unprivileged_user
from tests.support.waiting import wait_until


@pytest.fixture
def engine(sandbox: Sandbox) -> Engine:
    return Engine(sandbox.state)


# What it means for the operation around it.


def failed(**known: Any) -> Job:
    return job(status=Status.FAILED, owner=Owner.FOREGROUND, **known)


@pytest.mark.parametrize(
    ("fired", "aborts"),
    [
        (Fired(event=POST_CREATE, mode=FailMode.ABORT), False),
        (Fired(event=POST_CREATE, mode=FailMode.ABORT, jobs=(failed(),)), True),
        (Fired(event=POST_CREATE, mode=FailMode.WARN, jobs=(failed(),)), False),
        (
            Fired(event=POST_CREATE, mode=FailMode.ABORT, jobs=(failed(spec_allow_failure=True),)),
            False,
        ),
        (
            Fired(
                event=POST_CREATE,
                mode=FailMode.ABORT,
                jobs=(replace(failed(spec_allow_failure=True), status=Status.TIMED_OUT),),
            ),
            True,
        ),
        (
            Fired(
                event=POST_CREATE,
                mode=FailMode.ABORT,
                jobs=(replace(failed(), owner=Owner.BACKGROUND),),
            ),
            False,
        ),
        (
            Fired(
                event=POST_CREATE,
                mode=FailMode.ABORT,
                jobs=(replace(failed(), status=Status.CRASHED),),
            ),
            True,
        ),
        (
            Fired(
                event=POST_CREATE,
                mode=FailMode.ABORT,
                jobs=(replace(failed(), status=Status.SKIPPED),),
            ),
            False,
        ),
        (Fired(event=POST_CREATE, mode=FailMode.WARN, interrupted=True), True),
        (Fired(event=POST_CREATE, untrusted=True), False),
        (Fired(event=PRE_CREATE, untrusted=True), True),
        (Fired(event="pre-commit", untrusted=True), True),
    ],
)
def test_what_stops_the_operation_around_an_event(fired: Fired, aborts: bool) -> None:
    assert fired.aborts == aborts


@pytest.mark.parametrize(
    ("configured", "hook", "mode"),
    [
        (None, {}, FailMode.ABORT),
        (None, {"fail_mode": "warn"}, FailMode.WARN),
        ("abort", {"fail_mode": "warn"}, FailMode.ABORT),
        ("warn", {"fail_mode": "abort"}, FailMode.WARN),
    ],
)
def test_git_config_has_the_last_word_on_failures(
    engine: Engine, configured: str | None, hook: Mapping[str, Any], mode: FailMode
) -> None:
    firing = Firing(engine, declared("a", "exit 1"), fail_mode=lambda _event: configured, hook=hook)
    fired = firing()
    assert (fired.mode, fired.aborts) == (mode, mode is FailMode.ABORT)
    assert firing.notes() == []


def test_a_fail_mode_that_does_not_exist_is_told_and_ignored(engine: Engine) -> None:
    firing = Firing(engine, declared("a", "exit 1"), fail_mode=lambda _event: "Abort")
    assert firing().mode is FailMode.ABORT
    (note,) = firing.of(Noted)
    assert note.text.endswith("is 'Abort'; only abort and warn exist")
    assert note.hint == f"git config bough.hooks.{POST_CREATE}.failMode abort"


def test_a_piped_hook_stops_at_the_first_failure(engine: Engine) -> None:
    fired = Firing(
        engine,
        declared("a", "echo a >> order"),
        declared("b", "echo b >> order; exit 1"),
        declared("c", "echo c >> order"),
        hook={"piped": True},
    )()
    assert statuses(fired) == {"a": "succeeded", "b": "failed", "c": "skipped"}
    assert Path("order").read_text().split() == ["a", "b"]


def test_an_interrupt_is_an_interrupt_whatever_the_jobs_make_of_it(engine: Engine) -> None:
    def run() -> None:
        fired = Firing(
            engine,
            declared("a", "trap 'exit 0' TERM; touch ready; while :; do sleep 0.01; done"),
            declared("back", background=True, needs=["a"]),
            declared("free", "while [ ! -e go ]; do sleep 0.01; done", background=True),
            declared("always", "touch cleaned", needs=["a"], when="always"),
        )()
        Path("said").write_text(f"{fired.interrupted} {fired.aborts}")

    pid = forked(run)
    wait_until(Path("ready").exists, what="the job")
    os.killpg(pid, signal.SIGINT)
    assert exit_of(pid) == 0
    assert Path("said").read_text() == "True True"
    assert engine.row("a")["status"] == "cancelled"
    assert engine.row("always")["status"] == "succeeded"
    assert engine.ended("back")["reason"] == "needs a, which was cancelled"
    assert engine.reaches("free", "running")["status"] == "running", "nobody stopped that one"
    Path("go").touch()
    assert engine.ended("free")["status"] == "succeeded"


# Without a store, without a runtime folder, without a coordinator.


def in_an_unwritable_state_folder(engine: Engine, firing: Firing) -> tuple[Fired, list[Happening]]:
    engine.state.mkdir(exist_ok=True)
    engine.state.chmod(0o500)

    def run() -> tuple[Fired, list[Happening]]:
        return firing(), firing.seen

    firing.terms = replace(firing.terms, consent=_says_yes)
    try:
        return as_unprivileged_user(run)
    finally:
        engine.state.chmod(0o700)


def _says_yes(_config: Config, _standing: trust.Standing) -> bool:
    return True


@pytest.mark.parametrize(("code", "aborts"), [(0, False), (1, True)])
def test_in_a_read_only_home_jobs_run_and_gates_decide_with_one_warning(
    engine: Engine, code: int, aborts: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    firing = Firing(
        engine,
        declared("gate", f"echo out; exit {code}", retries={"max": 1, "backoff": "1ms"}),
        declared("after", needs=["gate"]),
        event=PRE_CREATE,
    )
    fired, seen = in_an_unwritable_state_folder(engine, firing)
    assert fired.aborts == aborts
    assert fired.jobs[0].attempt == (2 if code else 1), "retries work without a file"
    notes = [happening.text for happening in seen if isinstance(happening, Noted)]
    assert notes[0].startswith("nothing is recorded this time: ")
    assert any(isinstance(h, Printed) and h.line == b"out\n" for h in seen)
    logs = list(tmp_path.glob("bough-*"))
    if aborts:
        assert notes[1:] == [f"the logs of this run are in {logs[0]}"]
        assert len(list(logs[0].rglob("output.jsonl"))) == 2
    else:
        assert (notes[1:], logs) == ([], [])
    assert not Path(engine.places.root).exists()


def test_in_a_read_only_home_background_jobs_run_in_the_foreground(engine: Engine) -> None:
    firing = Firing(
        engine,
        declared("front"),
        declared("back", "touch ran", background=True, needs=["front"]),
    )
    fired, _seen = in_an_unwritable_state_folder(engine, firing)
    assert {job.name: (job.owner, job.status) for job in fired.jobs} == {
        "front": (Owner.FOREGROUND, Status.SUCCEEDED),
        "back": (Owner.FOREGROUND, Status.SUCCEEDED),
    }
    assert Path("ran").exists()


def test_a_store_that_fails_when_the_rows_are_written_stops_no_job(engine: Engine) -> None:
    """The hand-off was there by then; it is taken back."""
    with engine.writing() as connection:
        connection.execute("DROP TABLE job_events")
    firing = Firing(engine, declared("front"), declared("back", "touch ran", background=True))
    fired = firing()
    assert statuses(fired) == {"front": "succeeded", "back": "succeeded"}
    assert {job.owner for job in fired.jobs} == {Owner.FOREGROUND}
    assert len(firing.notes()) == 1
    assert engine.handoffs() == []
    assert Path("ran").exists()
    assert engine.coordinator() is None


def test_a_newer_store_is_left_alone_and_stops_no_job(engine: Engine) -> None:
    with closing(schemas.write_repository(engine.places)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = Path(engine.places.database).read_bytes()
    firing = Firing(engine, declared("front"), declared("back", background=True))
    assert statuses(firing()) == {"front": "succeeded", "back": "succeeded"}
    (note,) = firing.notes()
    assert "written by a newer bough (schema 99; this one: " in note
    assert Path(engine.places.database).read_bytes() == before


def test_without_a_runtime_folder_background_jobs_run_in_the_foreground_and_are_recorded(
    engine: Engine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sandbox.root / "file").write_text("")
    monkeypatch.setenv("BOUGH_RUNTIME_DIR", str(sandbox.root / "file"))
    firing = Firing(engine, declared("back", "touch ran", background=True))
    assert statuses(firing()) == {"back": "succeeded"}
    row = engine.row("back")
    assert (row["owner"], row["status"]) == ("foreground", "succeeded")
    (note,) = firing.notes()
    assert note.startswith("background jobs run in the foreground: ")


def test_without_a_coordinator_background_jobs_stay_queued_and_the_rest_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    firing = Firing(engine, declared("front"), declared("back", background=True))
    fired = firing()
    assert statuses(fired) == {"front": "succeeded", "back": "queued"}
    assert firing.notes() == ["cannot start the coordinator: No such file or directory"]
    monkeypatch.undo()
    engine.wake()
    assert engine.ended("back")["status"] == "succeeded"


def test_a_firing_does_not_wait_for_its_background_jobs(engine: Engine) -> None:
    firing = Firing(
        engine, declared("back", "while [ ! -e go ]; do sleep 0.01; done", background=True)
    )
    assert statuses(firing()) == {"back": "queued"}
    assert firing.of(Ended) == []
    row = engine.reaches("back", "running")
    assert kernel.start_ticks(row["pid"]) is not None
    Path("go").touch()
    engine.ended("back")


def test_places_of_another_repository_are_not_touched(engine: Engine) -> None:
    firing = Firing(engine, declared("a"))
    firing.ground = replace(
        firing.ground, places=StatePlaces(root=engine.places.root.replace("repository", "other"))
    )
    firing()
    assert [path.name for path in Path(engine.state / "repos").iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("event", "kept"),
    [("pre-commit", True), ("git-post-merge", True), ("worktree-post-create", False)],
)
def test_only_the_jobs_of_gits_own_hook_see_its_repository_variables(
    event: str, kept: bool
) -> None:
    env = {"GIT_DIR": "/r/.git/worktrees/w", "GIT_INDEX_FILE": "/r/index", "PATH": "/bin"}
    inherited = hook_environment(env, event, "/w")
    assert inherited["PATH"] == "/bin"
    assert inherited.get("GIT_INDEX_FILE") == ("/r/index" if kept else None)
    assert inherited.get("GIT_WORK_TREE") == ("/w" if kept else None)
