"""Firing an event: rows before anything runs, nothing secret stored, gates that always decide."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import kernel
from bough.coordinator.model import Job, Owner, SkipClass, Status
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import policy, schemas
from bough.hooks import trust
from bough.hooks.config.model import Config
from bough.hooks.environment import MOST_NESTED, NestedTooDeep, environment, hook_environment
from bough.hooks.events import POST_CREATE, PRE_CREATE, FailMode
from bough.hooks.firing import (
    Fired,
    Ground,
    Occasion,
    Site,
    Terms,
    fire,
)
from bough.hooks.happenings import Ended, Happening, Noted, Planned, Printed, Selected, Started
from tests.hooks.planning import loaded
from tests.support.engine import Engine, exit_of, forked, job
from tests.support.isolation import Sandbox
from tests.support.users import as_unprivileged_user
from tests.support.waiting import wait_until

SECRET = "t0p-s3cr3t-value"  # noqa: S105 - looked for where it must not be


@pytest.fixture
def engine(sandbox: Sandbox) -> Engine:
    return Engine(sandbox.state)


def declared(name: str, run: str = "true", **keys: Any) -> dict[str, Any]:
    """A job as bough.yml declares it."""
    return {"name": name, "run": run, **keys}


MISSING = {"requires": ["no-such-tool"]}
"""A condition that is not met."""


class Firing:
    """One event in the sandbox's work folder, fired as often as one likes."""

    def __init__(
        self,
        engine: Engine,
        *jobs: dict[str, Any],
        event: str = POST_CREATE,
        hook: Mapping[str, Any] | None = None,
        coordinator: Mapping[str, Any] | None = None,
        **terms: Any,
    ) -> None:
        self.engine = engine
        self.seen: list[Happening] = []
        written = {
            "hooks": {event: {**(hook or {}), "jobs": jobs}},
            "coordinator": coordinator or {},
        }
        self.config = loaded(json.dumps(written))
        folder = os.getcwd()
        self.ground = Ground(
            repo_id="repository",
            name="repo",
            common_dir=f"{folder}/.git",
            main_path=folder,
            places=engine.places,
        )
        declared_hook = self.config.for_event(event)
        assert declared_hook is not None
        self.occasion = Occasion(
            event=event,
            site=Site(path=folder, cwd=folder, branch="main", commit="c0ffee"),
            config=self.config,
            hook=declared_hook,
        )
        fields: dict[str, Any] = {
            "command": "bough start x",
            "observe": self.seen.append,
            "env": dict(os.environ),
            "consent": lambda _config, _standing: True,
        }
        self.terms = Terms(**(fields | terms))

    def __call__(self) -> Fired:
        return fire(self.ground, self.terms, self.occasion)

    def of(self, kind: type[Happening]) -> list[Any]:
        return [happening for happening in self.seen if isinstance(happening, kind)]

    def notes(self) -> list[str]:
        return [happening.text for happening in self.of(Noted)]


def statuses(fired: Fired) -> dict[str, str]:
    return {job.name: job.status.value for job in fired.jobs}


# What is recorded.


def test_all_rows_are_written_before_anything_runs(engine: Engine) -> None:
    rows: list[dict[str, str]] = []
    seen: list[type] = []

    def observe(happening: Happening) -> None:
        seen.append(type(happening))
        if isinstance(happening, Planned):
            rows.append({row["name"]: row["status"] for row in engine.rows()})
            assert not Path("ran").exists()

    firing = Firing(
        engine,
        declared("front", "touch ran"),
        declared("back", background=True, needs=["front"]),
        declared("never", **MISSING),
        observe=observe,
    )
    fired = firing()
    assert rows == [{"front": "queued", "back": "queued", "never": "skipped"}]
    assert seen[:3] == [Selected, Planned, Started]
    assert Path("ran").exists()
    assert statuses(fired)["front"] == "succeeded"
    assert engine.ended("back")["status"] == "succeeded"
    row = engine.row("never")
    assert (row["skip_class"], row["reason"]) == ("condition", "missing tool: no-such-tool")
    assert (row["event"], row["command"], row["branch"]) == (POST_CREATE, "bough start x", "main")
    assert row["invocation"] == fired.invocation


def test_switched_off_nothing_happens_at_all(engine: Engine) -> None:
    firing = Firing(engine, declared("a"), off=True)
    assert firing() == Fired(event=POST_CREATE)
    assert firing.seen == []
    assert not Path(engine.places.root).exists()


def test_nothing_secret_is_stored_anywhere_below_the_state_folder(
    engine: Engine, sandbox: Sandbox
) -> None:
    firing = Firing(
        engine,
        declared("front", f'echo "$API_TOKEN" "$OWN_KEY"; echo {SECRET}; printf "$API_TOKEN" >&2'),
        declared(
            "back",
            f'echo "$API_TOKEN" {SECRET}; [ "$API_TOKEN" = {SECRET} ]; [ "$OWN_KEY" = {SECRET}2 ]',
            background=True,
            env={"OWN_KEY": f"{SECRET}2", "PLAIN": f"x{SECRET}x"},
            needs=["front"],
            fail_text="it failed",
        ),
        declared("gone", env={"OWN_KEY": SECRET}, **MISSING),
        command=f"bough start {SECRET}",
        env={**os.environ, "API_TOKEN": SECRET},
    )
    fired = firing()
    assert statuses(fired)["front"] == "succeeded"
    row = engine.ended("back")
    assert (row["status"], row["exit_code"]) == ("succeeded", 0), "it got the real values"
    wait_until(lambda: engine.handoffs() == [], what="the hand-off to go")
    with engine.writing() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # What is written in bough.yml itself is no secret: its own copy does not count.
    found = [
        path
        for folder in (Path(engine.places.root), sandbox.runtime)
        for path in folder.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert found == []
    assert engine.output("back") == "*** ***\n"
    assert [happening.line for happening in firing.of(Printed)].count(b"***\n") == 1
    spec = json.loads(row["spec_json"])
    assert ["PLAIN", "x***x"] in spec["env"]
    assert not any(name == "OWN_KEY" for name, _value in spec["env"])
    assert row["command"] == "bough start ***"


def test_settings_of_a_trusted_configuration_reach_the_coordinator(engine: Engine) -> None:
    Firing(engine, declared("a"), coordinator={"max_parallel": 7})()
    Firing(engine, declared("a"), coordinator={"idle_exit": "9ms"})()
    with engine.writing() as connection:
        assert policy.all_values(connection) == {"max_parallel": 7, "idle_exit_ms": 9}


# What it runs in.


def test_a_job_is_told_where_it_is_and_why(engine: Engine) -> None:
    Firing(
        engine,
        declared("a", "env | grep ^BOUGH_ > env"),
        env={**os.environ, "BOUGH_CD_FILE": "/x", "BOUGH_SKIP": "none", "BOUGH_DEPTH": "2"},
    )()
    env = dict(line.split("=", 1) for line in Path("env").read_text().splitlines())
    folder = os.getcwd()
    assert {name: env.get(name) for name in env if not name.endswith("_DIR")} == {
        "BOUGH_EVENT": POST_CREATE,
        "BOUGH_JOB": "a",
        "BOUGH_INVOCATION": engine.row("a")["invocation"],
        "BOUGH_ATTEMPT": "1",
        "BOUGH_REPO_ID": "repository",
        "BOUGH_WORKTREE_PATH": folder,
        "BOUGH_WORKTREE_NAME": os.path.basename(folder),
        "BOUGH_BRANCH": "main",
        "BOUGH_MAIN_PATH": folder,
        "BOUGH_COMMIT": "c0ffee",
        "BOUGH_BASE_BRANCH": "",
        "BOUGH_COMMAND": "bough start x",
        "BOUGH_DEPTH": "3",
        "BOUGH_TEST_ID": os.environ["BOUGH_TEST_ID"],
    }
    assert env["BOUGH_GIT_COMMON_DIR"] == f"{folder}/.git"


def test_the_umask_of_the_command_is_that_of_all_its_jobs(engine: Engine) -> None:
    before = os.umask(0o027)
    try:
        Firing(engine, declared("front", "umask"), declared("back", "umask", background=True))()
        engine.all_ended()
    finally:
        os.umask(before)
    assert engine.output("front") == engine.output("back") == "0027\n"


GIT = {"GIT_DIR": "/g", "GIT_INDEX_FILE": "/i", "GIT_AUTHOR_NAME": "Me"}


def test_git_variables_stay_with_foreground_jobs_of_gits_own_hooks_only(engine: Engine) -> None:
    script = (
        'echo "${GIT_DIR-unset} ${GIT_INDEX_FILE-unset} $GIT_AUTHOR_NAME ${GIT_WORK_TREE-unset}"'
    )
    jobs = (declared("front", script), declared("back", script, background=True))
    env = {**os.environ, **GIT}
    Firing(engine, *jobs, event="post-commit", env=env, keep_git=True)()
    engine.all_ended()
    assert engine.output("front") == f"/g /i Me {os.getcwd()}\n"
    assert engine.output("back") == "unset unset Me unset\n"
    Firing(engine, *jobs, event=POST_CREATE, env=env, keep_git=True)()
    engine.all_ended()
    assert engine.output("front") == "unset unset Me unset\n"


@pytest.mark.parametrize(
    ("depth", "next_depth"), [(None, "1"), ("0", "1"), ("7", "8"), ("x", "1"), ("-3", "1")]
)
def test_nesting_is_counted(depth: str | None, next_depth: str) -> None:
    env = {} if depth is None else {"BOUGH_DEPTH": depth}
    assert environment(env, keep_git=False)["BOUGH_DEPTH"] == next_depth


def test_nesting_that_looks_endless_is_refused_before_anything(engine: Engine) -> None:
    env = {**os.environ, "BOUGH_DEPTH": str(MOST_NESTED)}
    with pytest.raises(NestedTooDeep) as error:
        Firing(engine, declared("a"), env=env)()
    assert "--skip-hooks all" in error.value.hint
    assert engine.rows() == []


# Trust.


def test_what_is_not_trusted_leaves_rows_and_no_effect(engine: Engine) -> None:
    firing = Firing(
        engine,
        declared("a", "touch ran"),
        declared("b", "touch ran", background=True),
        declared("never", **MISSING),
        consent=None,
        coordinator={"max_parallel": 99},
    )
    fired = firing()
    assert fired.untrusted
    assert not fired.aborts
    assert {row["name"]: (row["status"], row["reason"]) for row in engine.rows()} == {
        "a": ("skipped", "untrusted"),
        "b": ("skipped", "untrusted"),
        "never": ("skipped", "missing tool: no-such-tool"),
    }
    assert engine.row("a")["skip_class"] == SkipClass.TRUST
    (note,) = firing.of(Noted)
    assert "bough.yml is not trusted" in note.text
    assert "bough trust" in note.hint
    assert not Path("ran").exists()
    assert engine.handoffs() == []
    assert engine.coordinator() is None
    with engine.writing() as connection:
        assert policy.all_values(connection) == {}


def test_an_untrusted_gate_stops_what_it_guards(engine: Engine) -> None:
    fired = Firing(engine, declared("a", "touch ran"), event=PRE_CREATE, consent=None)()
    assert (fired.untrusted, fired.aborts) == (True, True)
    assert not Path("ran").exists()


def test_consent_is_asked_once_something_would_run_and_recorded_consent_is_enough(
    engine: Engine,
) -> None:
    asked: list[trust.Standing] = []

    def consent(_config: Config, standing: trust.Standing) -> bool:
        asked.append(standing)
        return False

    skipped = Firing(engine, declared("a", **MISSING), consent=consent)
    assert not skipped().untrusted
    assert asked == []
    firing = Firing(engine, declared("a"), consent=consent)
    assert firing().untrusted
    assert [standing.untrusted for standing in asked] == [(trust.Part.TRACKED,)]
    trust.grant(firing.config, "repository", firing.ground.common_dir, how="test")
    assert not firing().untrusted
    assert len(asked) == 1


# What it means.


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
