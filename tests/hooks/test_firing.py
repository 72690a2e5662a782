"""Firing an event: rows before anything runs, nothing secret stored, consent first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bough.coordinator.model import SkipClass
from bough.coordinator.store import policy
from bough.hooks import trust
from bough.hooks.config.model import Config
from bough.hooks.environment import MOST_NESTED, NestedTooDeep, environment
from bough.hooks.events import POST_CREATE, PRE_CREATE
from bough.hooks.firing import (
    Fired,
)
from bough.hooks.happenings import Happening, Noted, Planned, Printed, Selected, Started
from tests.hooks.firings import MISSING, Firing, declared, statuses
from tests.support.engine import Engine
from tests.support.isolation import Sandbox
from tests.support.waiting import wait_until

SECRET = "t0p-s3cr3t-value"  # noqa: S105 - looked for where it must not be


@pytest.fixture
def engine(sandbox: Sandbox) -> Engine:
    return Engine(sandbox.state)


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
