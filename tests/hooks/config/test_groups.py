"""Groups: what their jobs get from them, how files are laid over each other, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from bough.hooks.conditions import Condition, Kind
from bough.hooks.config.model import Group, Job, Mode
from tests.hooks.config.test_keys import PLAIN
from tests.hooks.config.test_problems import of_job, problems
from tests.hooks.planning import loaded


def jobs_of(text: str) -> dict[str, Job]:
    hook = loaded(f"hooks: {{worktree-post-create: {{jobs: [{text}]}}}}")
    return {declared.name: declared for declared in hook.hooks["worktree-post-create"].jobs}


@pytest.mark.parametrize(
    ("group", "job", "effect"),
    [
        ("env: {A: 1, B: 2}", "env: {B: 3}", {"env": (("A", "1"), ("B", "3"))}),
        ("root: a", "root: b", {"root": "a/b"}),
        ("root: a", "tags: x", {"root": "a", "tags": ("x",)}),
        ("tags: [x, y]", "tags: [y, z]", {"tags": ("x", "y", "z")}),
        (
            "skip: merge",
            "skip: rebase",
            {"skip": (Condition(kind=Kind.MERGE), Condition(kind=Kind.REBASE))},
        ),
        (
            "only: merge",
            "only: rebase",
            {"only": (Condition(kind=Kind.MERGE), Condition(kind=Kind.REBASE))},
        ),
        ("os: [linux, macos]", "os: macos", {"os": ("macos",)}),
        ("arch: arm64", "arch: [x86_64, aarch64]", {"arch": ("aarch64",)}),
        ("background: true", "tags: []", {"background": True}),
        ("background: true", "background: false", {"background": False}),
    ],
)
def test_a_group_hands_on_what_it_says(group: str, job: str, effect: dict[str, Any]) -> None:
    inner = f"{{{group}, group: {{jobs: [{{name: j, run: x, {job}}}]}}}}"
    for text in (inner, f"{{group: {{jobs: [{inner}]}}}}"):
        declared = jobs_of(text)["j"]
        changed = {field: getattr(declared, field) for field in Job.__slots__}
        plain = {field: getattr(PLAIN, field) for field in Job.__slots__}
        surroundings = {"name": "j", "groups": declared.groups}
        assert changed == plain | surroundings | effect


def test_jobs_in_groups_are_numbered_with_the_others() -> None:
    jobs = jobs_of("{run: x}, {group: {jobs: [{run: x}, {run: x, name: n}]}}, {run: x}")
    assert list(jobs) == [
        "worktree-post-create-1",
        "worktree-post-create-2",
        "n",
        "worktree-post-create-4",
    ]


def test_a_need_of_a_group_is_a_need_of_all_in_it() -> None:
    jobs = jobs_of(
        "{name: g, needs: z, group: {jobs: [{name: a, run: x}, {group: {jobs: "
        "[{name: b, run: x}]}}]}}, {name: c, run: x, needs: [g, a]}, {name: z, run: x}"
    )
    assert {name: declared.needs for name, declared in jobs.items()} == {
        "a": ("z",),
        "b": ("z",),
        "c": ("a", "b"),
        "z": (),
    }


def test_a_task_may_be_a_group() -> None:
    task = loaded("tasks: {t: {env: {A: 1}, group: {piped: true, jobs: [{run: x}, {run: y}]}}}")
    jobs = task.tasks["t"].jobs
    assert [declared.name for declared in jobs] == ["task:t-1", "task:t-2"]
    assert {declared.env for declared in jobs} == {(("A", "1"),)}
    assert {declared.groups for declared in jobs} == {(Group(number=1, mode=Mode.PIPED),)}


def test_files_are_laid_over_each_other_inside_of_groups() -> None:
    config = loaded(
        "hooks: {post-commit: {jobs: [{name: g, group: {piped: true, jobs: "
        "[{name: a, run: x}, {name: b, run: y}]}}]}}",
        bough__local__yml="hooks: {post-commit: {jobs: [{name: g, root: r, group: "
        "{sequential: true, jobs: [{name: b, tags: t}, {run: z}]}}]}}",
    )
    jobs = config.hooks["post-commit"].jobs
    assert [(job.name, dict(job.run)["linux"], job.tags, job.root) for job in jobs] == [
        ("a", "x", (), "r"),
        ("b", "y", ("t",), "r"),
        ("post-commit-3", "z", (), "r"),
    ]
    assert {job.groups[0].mode for job in jobs} == {Mode.SEQUENTIAL}


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (
            "{script: bough.yml, group: {jobs: [{run: y}]}}",
            "9: a job has one of `script` and `group`, and this one has both",
        ),
        (
            "{run: x, group: {jobs: [{run: y}]}}",
            "9: a job has one of `run` and `group`, and this one has both",
        ),
        ("{group: {}}", "17: this group has no jobs"),
        ("{group: {jobs: [{name: a}]}}", "25: `a` has nothing to run: it needs `run` or `script`"),
        (
            "{group: {root: x, jobs: [{run: y}]}}",
            "18: `root` belongs beside `group`, or inside its `jobs`",
        ),
        (
            "{timeout: 5s, group: {jobs: [{run: y}]}}",
            "19: `timeout` means nothing for a group; write it at the jobs in it",
        ),
        (
            "{env: {A: '{x}'}, group: {jobs: [{run: y}]}}",
            "19: unknown template `{x}`. For these characters themselves write `{{x}}`.",
        ),
        (
            "{group: {parallel: true, piped: true, jobs: [{run: y}]}}",
            "17: `parallel` and `piped` exclude each other; keep one",
        ),
        (
            "{os: linux, group: {jobs: [{run: y, os: macos}]}}",
            "49: `os` allows nothing that the group around this job allows",
        ),
        (
            "{name: g, group: {jobs: [{run: y, needs: g}]}}",
            "50: `g` cannot be waited for: one is in the other",
        ),
        (
            "{group: {piped: true, jobs: [{run: x, name: a, needs: b}, {run: x, name: b}]}}",
            "63: `b` comes later, and the jobs of a piped group go in order",
        ),
        ("{group: {jobs: [{run: y, needs: ghost}]}}", "41: `needs` names no job here: `ghost`"),
    ],
)
def test_a_wrong_group_is_told_where_and_why(job: str, said: str) -> None:
    assert of_job(job) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            (
                "hooks: {post-commit: {jobs: [{run: x, name: a}, "
                "{group: {jobs: [{run: y, name: a}]}}]}}"
            ),
            "1:80: another job of this hook is called `a`, too",
        ),
        (
            (
                "hooks: {post-commit: {jobs: [{group: {jobs: [{run: x, name: a}, "
                "{run: y, name: a}]}}]}}"
            ),
            "1:80: two jobs are called `a`; the first at line 1, column 61",
        ),
        (
            (
                "hooks: {post-commit: {jobs: [{name: y, run: x, needs: x2}, {group: {piped: true, "
                "jobs: [{run: x, name: x1, needs: y}, {run: x, name: x2}]}}]}}"
            ),
            "1:55: `needs` and the order of the jobs make a circle: y → x2 → x1 → y",
        ),
        (
            "hooks: {pre-push: {jobs: [{background: true, group: {jobs: [{run: x}]}}]}}",
            "1:40: `pre-push` waits for its jobs, so none of them can be in the background",
        ),
    ],
)
def test_groups_that_do_not_fit_their_hook_are_told(text: str, said: str) -> None:
    assert problems(text) == [said]


def test_a_job_that_could_not_be_read_is_not_missed_in_its_group() -> None:
    assert of_job("{group: {jobs: [{name: a, run: [x]}, {run: y, needs: b}, 3]}}") == [
        "40: `run` must be text; not a list",
        "66: `jobs` must be a mapping; not `3`",
    ]
