"""From a hook and facts to rows: owners, order, skips, and what jobs are told."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.model import Owner, SkipClass
from bough.hooks.conditions import Condition, Kind
from bough.hooks.config.model import Hook, Job, Mode
from bough.hooks.events import FailMode
from bough.hooks.plan import BACKGROUND_TIMEOUT_MS, plan, required_tools
from tests.hooks.planning import facts, loaded, only_job, planned, planned_jobs

FG, BG = Owner.FOREGROUND, Owner.BACKGROUND


def owners(text: str, **options: Any) -> dict[str, Owner]:
    return {name: row.owner for name, row in planned_jobs(text, **options).items()}


CHAIN = """
hooks:
  worktree-post-create:
    jobs:
      - {name: a, run: "true", background: true}
      - {name: b, run: "true", background: true, needs: a}
      - {name: c, run: "true", needs: b}
      - {name: d, run: "true", background: true, needs: c}
      - {name: e, run: "true", background: true}
"""


def test_a_foreground_job_takes_what_it_needs_into_the_foreground() -> None:
    assert owners(CHAIN) == {"a": FG, "b": FG, "c": FG, "d": BG, "e": BG}
    assert planned(CHAIN).warnings == ()


def test_a_job_that_does_not_run_takes_nothing_along() -> None:
    skipping = CHAIN.replace("needs: b", "needs: b, skip: true")
    assert owners(skipping) == {"a": BG, "b": BG, "c": FG, "d": BG, "e": BG}


def test_the_whole_hook_can_be_sent_to_either_side() -> None:
    assert set(owners(CHAIN, override=FG).values()) == {FG}
    assert set(owners(CHAIN, override=BG).values()) == {BG}


def test_a_gate_stays_in_the_foreground() -> None:
    text = "hooks: {pre-push: {jobs: [{run: 'true'}]}}"
    assert owners(text, event="pre-push", override=BG) == {"pre-push-1": FG}


ORDERED = """
hooks:
  worktree-post-create:
    %s: true
    jobs:
      - {name: a, run: "true"}
      - {name: b, run: "true", os: macos}
      - {name: c, run: "true", needs: a}
      - {name: d, run: "true"}
"""


def test_sequential_jobs_come_after_the_last_one_that_runs() -> None:
    rows = planned_jobs(ORDERED % "sequential")
    assert {name: row.spec.after for name, row in rows.items()} == {
        "a": (),
        "b": (),
        "c": ("a",),
        "d": ("c",),
    }
    assert {name: row.spec.needs for name, row in rows.items()} == {
        "a": (),
        "b": (),
        "c": ("a",),
        "d": (),
    }


def test_piped_jobs_need_the_last_one_that_runs() -> None:
    rows = planned_jobs(ORDERED % "piped")
    assert {name: row.spec.needs for name, row in rows.items()} == {
        "a": (),
        "b": (),
        "c": ("a",),
        "d": ("c",),
    }
    assert {row.spec.after for row in rows.values()} == {()}


def test_parallel_jobs_wait_for_their_needs_alone() -> None:
    rows = planned_jobs(ORDERED % "parallel")
    assert [row.spec.needs for row in rows.values()] == [(), (), ("a",), ()]
    assert [row.spec.after for row in rows.values()] == [(), (), (), ()]


def test_an_order_that_pulls_a_job_into_the_foreground_is_told() -> None:
    text = """
hooks:
  worktree-post-create:
    sequential: true
    jobs: [{name: a, run: x, background: true}, {name: b, run: x}, {name: c, run: x}]
"""
    made = planned(text)
    assert [row.owner for row in made.jobs] == [FG, FG, FG]
    assert made.warnings == ("a runs in the foreground: b, which does, comes after",)


def test_a_users_skip_takes_dependents_along_and_a_condition_does_not() -> None:
    text = """
hooks:
  worktree-post-create:
    jobs: [{name: a, run: x}, {name: b, run: x, needs: a}, {name: c, run: x, skip: true},
           {name: d, run: x, needs: c}]
"""
    rows = planned_jobs(text, selectors=("a",))
    assert {name: (row.skip, row.reason) for name, row in rows.items()} == {
        "a": (SkipClass.USER, "--skip-hooks a"),
        "b": (SkipClass.USER, "needs a, which was skipped by --skip-hooks"),
        "c": (SkipClass.CONDITION, "skip: true"),
        "d": (None, ""),
    }
    assert planned(text, selectors=("a", "zzz")).unmatched == ("zzz",)


@pytest.mark.parametrize(
    ("job", "changes", "reason"),
    [
        ("run: x", {}, ""),
        ("run: x, os: macos", {}, "os is macos only"),
        ("run: x, os: [linux, macos]", {}, ""),
        ("run: x, arch: arm64", {}, "arch is arm64 only"),
        ("run: x, arch: arm64", {"arch": "aarch64"}, ""),
        ("run: {macos: x}", {}, "no run for linux"),
        ("run: {macos: x}", {"os": "macos"}, ""),
        (
            "run: x, requires: [pnpm, sh]",
            {"missing_tools": frozenset({"pnpm"})},
            "missing tool: pnpm",
        ),
        (
            "run: x, requires: [pnpm, node]",
            {"missing_tools": frozenset({"node", "pnpm"})},
            "missing tool: pnpm, node",
        ),
        ("run: x, requires: sh", {"missing_tools": frozenset({"pnpm"})}, ""),
        ("run: x, skip: {ref: 'feat/*'}", {}, "skip: on branch feat/x"),
        ("run: x, skip: merge", {"merging": True}, "skip: merge in progress"),
        ("run: x, skip: rebase", {"rebasing": True}, "skip: rebase in progress"),
        ("run: x, only: {ref: main}", {}, "only: not on branch main"),
        ("run: x, only: {env: CI, desc: CI alone}", {}, "only: CI alone"),
        ("run: x, only: {env: CI}", {"env": {"CI": "1"}}, ""),
    ],
)
def test_a_job_that_does_not_run_says_why(job: str, changes: dict[str, Any], reason: str) -> None:
    row = only_job(f"{{{job}}}", **changes)
    assert row.reason == reason
    assert row.skip is (SkipClass.CONDITION if reason else None)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("skip: true", "skip: true"),
        ("only: {env: CI}", "only: CI is not set"),
        ("exclude_tags: [x, slow]", "exclude_tags: slow"),
        ("exclude_tags: fast", ""),
    ],
)
def test_a_hooks_conditions_hold_for_its_jobs(key: str, reason: str) -> None:
    (row,) = planned(
        f"hooks: {{worktree-post-create: {{{key}, jobs: [{{run: x, tags: slow}}]}}}}"
    ).jobs
    assert row.reason == reason


def test_a_missing_tool_can_fail_its_job() -> None:
    row = only_job(
        "{run: x, requires: ['a b', c], requires_mode: fail}",
        missing_tools=frozenset({"a b", "c"}),
    )
    assert (row.skip, row.spec.command_text) == (None, "x")
    done = subprocess.run(row.spec.argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "bough: missing tool: a b, c\n"
    present = only_job("{run: x, requires: c, requires_mode: fail}")
    assert present.spec.argv == ("/bin/sh", "-c", "x")


@pytest.mark.parametrize(
    ("root", "cwd"),
    [
        ("", "/w/repo.feat-x"),
        ("sub", "/w/repo.feat-x/sub"),
        ("./a//b/", "/w/repo.feat-x/a/b"),
        ("pkg/{branch_slug}", "/w/repo.feat-x/pkg/feat-x"),
        ("{worktree_path}/sub", "/w/repo.feat-x/sub"),
        ("a {{branch}}", "/w/repo.feat-x/a {branch}"),
    ],
)
def test_a_job_runs_in_its_root(root: str, cwd: str) -> None:
    job = f"{{run: x, root: '{root}'}}" if root else "{run: x}"
    spec = only_job(job).spec
    assert spec.cwd == cwd
    assert spec.argv == ("/bin/sh", "-c", "x")


@pytest.mark.parametrize(
    ("root", "changes"),
    [
        ("{main_path}", {}),
        ("x/{old_branch}", {"old_branch": "../.."}),
        ("{branch}", {"branch": "../../etc"}),
        ("{branch}", {"branch": "/etc"}),
        ("{worktree_path}2", {}),
    ],
)
def test_a_root_that_a_value_leads_astray_fails_the_job(root: str, changes: dict[str, Any]) -> None:
    row = only_job(f"{{run: touch pwned, root: '{root}'}}", **changes)
    assert row.spec.cwd == "/w/repo.feat-x"
    done = subprocess.run(row.spec.argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 126
    assert "root is outside the worktree" in done.stderr


def test_jobs_run_where_the_facts_say_if_that_is_elsewhere() -> None:
    spec = only_job("{run: 'echo {worktree_path}', root: sub}", cwd="/w/here").spec
    assert spec.cwd == "/w/here/sub"
    assert spec.command_text == "echo '/w/repo.feat-x'"
    assert dict(spec.env)["BOUGH_WORKTREE_PATH"] == "/w/repo.feat-x"


def test_the_environment_is_the_hooks_then_the_jobs_then_boughs() -> None:
    text = """
hooks:
  worktree-post-create:
    env: {A: hook, B: "{branch}", C: "{{branch}}"}
    jobs:
      - {name: "j 'x'", run: x, env: {A: job, PORT: 8080, V: 1.10, ON: yes, T: true}}
"""
    assert dict(planned_jobs(text)["j 'x'"].spec.env) == {
        "A": "job",
        "B": "feat/x",
        "C": "{branch}",
        "PORT": "8080",
        "V": "1.10",
        "ON": "yes",
        "T": "true",
        "BOUGH_EVENT": "worktree-post-create",
        "BOUGH_JOB": "j 'x'",
        "BOUGH_INVOCATION": "0123456789abcdef",
        "BOUGH_REPO_ID": "11-22",
        "BOUGH_WORKTREE_PATH": "/w/repo.feat-x",
        "BOUGH_WORKTREE_NAME": "repo.feat-x",
        "BOUGH_BRANCH": "feat/x",
        "BOUGH_MAIN_PATH": "/w/repo",
        "BOUGH_GIT_COMMON_DIR": "/w/repo/.git",
        "BOUGH_COMMIT": "c0ffee",
        "BOUGH_BASE_BRANCH": "main",
        "BOUGH_COMMAND": "bough start feat/x",
    }


def test_removals_and_moves_are_told_more() -> None:
    removal = dict(only_job("{run: x}", "worktree-post-remove", removal_reason="prune").spec.env)
    assert removal["BOUGH_REMOVAL_REASON"] == "prune"
    move = only_job("{run: 'echo {old_path}'}", "worktree-post-move", old_path="/o", old_branch="b")
    assert dict(move.spec.env)["BOUGH_OLD_WORKTREE_PATH"] == "/o"
    assert dict(move.spec.env)["BOUGH_OLD_BRANCH"] == "b"
    assert move.spec.command_text == "echo '/o'"
    assert "BOUGH_OLD_BRANCH" not in dict(only_job("{run: x}").spec.env)


def test_every_template_has_its_value() -> None:
    job = """{name: j, run: 'echo {branch} {branch_slug} {worktree_path} {worktree_name} {main_path}
        {repo} {base_branch} {commit} {event} {job_name} {old_path} {old_branch} {env:HOME}'}"""
    spec = only_job(job, old_path="/old", old_branch="ob").spec
    assert spec.command_text == (
        "echo 'feat/x' 'feat-x' '/w/repo.feat-x' 'repo.feat-x' '/w/repo' "
        "'repo' 'main' 'c0ffee' 'worktree-post-create' 'j' '/old' 'ob' \"${HOME}\""
    )
    assert spec.argv == ("/bin/sh", "-c", spec.command_text)


def test_a_branch_named_like_a_command_does_nothing(tmp_path: os.PathLike[str]) -> None:
    spec = only_job("{run: 'echo {branch} \"{branch}\"'}", branch="$(touch pwned)").spec
    done = subprocess.run(
        spec.argv, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "$(touch pwned) $(touch pwned)\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("keys", "background", "timeout"),
    [
        ("", False, None),
        ("", True, BACKGROUND_TIMEOUT_MS),
        ("timeout: 5s", False, 5_000),
        ("timeout: 5s", True, 5_000),
        ("timeout: 0", True, None),
        ("timeout: 90", False, 90_000),
    ],
)
def test_the_timeout_depends_on_who_waits(keys: str, background: bool, timeout: int | None) -> None:
    flag = str(background).lower()
    row = only_job(f"{{run: x, background: {flag}{', ' if keys else ''}{keys}}}")
    assert row.spec.timeout_ms == timeout


def test_a_promoted_job_has_the_timeout_of_the_foreground() -> None:
    assert planned_jobs(CHAIN)["a"].spec.timeout_ms is None


@pytest.mark.parametrize(
    ("event", "key", "mode"),
    [
        ("worktree-post-create", "", FailMode.ABORT),
        ("worktree-post-create", "fail_mode: warn, ", FailMode.WARN),
        ("worktree-post-remove", "", FailMode.WARN),
        ("worktree-post-remove", "fail_mode: abort, ", FailMode.ABORT),
    ],
)
def test_the_hooks_fail_mode_wins_over_the_events(event: str, key: str, mode: FailMode) -> None:
    text = f"hooks: {{{event}: {{{key}jobs: [{{run: x}}]}}}}"
    assert planned(text, event).fail_mode is mode


def test_the_tools_to_look_up_are_those_of_all_jobs() -> None:
    hook = loaded(
        "hooks: {post-commit: {jobs: [{run: x, requires: a}, {run: x, requires: [a, b]}]}}"
    ).for_event("post-commit")
    assert hook is not None
    assert required_tools(hook) == {"a", "b"}


def test_a_task_takes_arguments() -> None:
    text = "tasks: {greet: {run: 'echo {0} / {2} {3}', env: {FIRST: '{1}'}}}"
    made = planned(text, "task:greet", args=("a b", "$(x)"))
    (row,) = made.jobs
    assert (row.spec.name, row.owner, made.fail_mode) == ("greet", FG, FailMode.ABORT)
    assert row.spec.command_text == "echo 'a b' '$(x)' / '$(x)' "
    assert dict(row.spec.env)["FIRST"] == "a b"
    assert dict(row.spec.env)["BOUGH_EVENT"] == "task:greet"


@st.composite
def hooks(draw: st.DrawFn) -> Hook:
    """Any hook that the checks let through: needs lead backwards, names are unique."""
    names = draw(st.lists(st.text(min_size=1, max_size=3), max_size=7, unique=True))
    conditions = st.lists(st.sampled_from([Condition(kind=kind) for kind in Kind][:4]), max_size=1)
    jobs = [
        Job(
            name=name,
            run=(("linux", "x"),),
            needs=tuple(draw(st.sets(st.sampled_from(names[:index]), max_size=3)) if index else ()),
            background=draw(st.booleans()),
            skip=tuple(draw(conditions)),
            only=tuple(draw(conditions)),
            tags=tuple(draw(st.sets(st.sampled_from("tu"), max_size=1))),
        )
        for index, name in enumerate(names)
    ]
    return Hook(
        jobs=tuple(jobs),
        mode=draw(st.sampled_from(Mode)),
        exclude_tags=tuple(draw(st.sets(st.sampled_from("tu"), max_size=1))),
    )


@given(
    hooks(),
    st.sampled_from(["post-commit", "pre-push"]),
    st.lists(st.sampled_from(["tag:t", "a", "0", "zz", "all"]), max_size=2),
    st.sampled_from([None, FG, BG]),
)
def test_every_declared_job_is_planned_once_and_in_order(
    hook: Hook, event: str, selectors: list[str], override: Owner | None
) -> None:
    made = plan(hook, event, facts(event), tuple(selectors), override)
    assert [row.spec.name for row in made.jobs] == [job.name for job in hook.jobs]
    assert all((row.skip is None) == (row.reason == "") for row in made.jobs)
    running = {row.spec.name: row for row in made.jobs if row.skip is None}
    for row in running.values():
        waits_for = {*row.spec.needs, *row.spec.after} & running.keys()
        assert row.spec.name not in waits_for
        if row.owner is FG:
            assert {running[name].owner for name in waits_for} <= {FG}
        assert row.owner is FG or event != "pre-push"
