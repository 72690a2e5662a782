"""Every key of the file and what it does to the values that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bough.coordinator.model import LockMode, LogPolicy, Output, Retry, When
from bough.hooks.conditions import Condition, Kind
from bough.hooks.config import schema
from bough.hooks.config.model import CoordinatorSettings, Filter, Hook, Job, Missing, Mode, Script
from bough.hooks.events import FailMode
from tests.hooks.planning import loaded

BOTH = (("linux", "x"), ("macos", "x"))
PLAIN = Job(name="worktree-post-create-1", run=BOTH)

JOB_KEYS: list[tuple[str, str, dict[str, Any]]] = [
    ("name", "run: x, name: a b", {"name": "a b"}),
    ("name", "run: x, name: 12", {"name": "12"}),
    ("name", "run: x, name: '../../x $(y)'", {"name": "../../x $(y)"}),
    ("name", 'run: x, name: "new\\nline"', {"name": "new\nline"}),
    ("description", "run: x, description: why", {"description": "why"}),
    ("run", "run: x", {}),
    ("run", "run: {linux: x}", {"run": (("linux", "x"),)}),
    ("run", "run: {linux: x, macos: y}", {"run": (("linux", "x"), ("macos", "y"))}),
    ("run", "run: true", {"run": (("linux", "true"), ("macos", "true"))}),
    ("script", "script: s.sh", {"run": (), "script": Script(path="s.sh", data=b"echo")}),
    ("script", "script: .//s.sh", {"run": (), "script": Script(path="s.sh", data=b"echo")}),
    (
        "runner",
        "runner: python3 -u 'a b', script: s.sh",
        {
            "run": (),
            "script": Script(path="s.sh", data=b"echo", runner=("python3", "-u", "a b")),
        },
    ),
    (
        "args",
        "args: [a b, '{branch}'], script: s.sh",
        {"run": (), "script": Script(path="s.sh", data=b"echo", args=("a b", "{branch}"))},
    ),
    (
        "args",
        "args: \"a '{branch} b' 3\", script: s.sh",
        {"run": (), "script": Script(path="s.sh", data=b"echo", args=("a", "{branch} b", "3"))},
    ),
    ("glob", "run: x, glob: '*.py'", {"filters": (Filter(glob=("*.py",)),)}),
    ("exclude", "run: x, exclude: [a, b]", {"filters": (Filter(exclude=("a", "b")),)}),
    (
        "file_types",
        "run: x, file_types: [text, not symlink], glob: a",
        {"filters": (Filter(glob=("a",), types=("text", "not symlink")),)},
    ),
    ("files", "run: x, files: ls", {"files": "ls"}),
    ("root", "run: x, root: a/b", {"root": "a/b"}),
    (
        "env",
        "run: x, env: {A: 1.10, B: yes, C: TRUE, D: ''}",
        {
            "env": (("A", "1.10"), ("B", "yes"), ("C", "TRUE"), ("D", "")),
        },
    ),
    ("when", "run: x, when: always", {"when": When.ALWAYS}),
    ("background", "run: x, background: true", {"background": True}),
    ("background_output", "run: x, background_output: silent", {"output": Output.SILENT}),
    ("tags", "run: x, tags: a", {"tags": ("a",)}),
    ("tags", "run: x, tags: [a, 1, a]", {"tags": ("a", "1")}),
    ("skip", "run: x, skip: true", {"skip": (Condition(kind=Kind.ALWAYS),)}),
    (
        "skip",
        "run: x, skip: [false, merge]",
        {
            "skip": (Condition(kind=Kind.NEVER), Condition(kind=Kind.MERGE)),
        },
    ),
    (
        "skip",
        "run: x, skip: {ref: 'a/*', desc: d}",
        {
            "skip": (Condition(kind=Kind.REF, value="a/*", desc="d"),),
        },
    ),
    (
        "only",
        "run: x, only: [rebase, {env: CI}]",
        {
            "only": (Condition(kind=Kind.REBASE), Condition(kind=Kind.ENV, value="CI")),
        },
    ),
    ("os", "run: x, os: linux", {"os": ("linux",)}),
    ("os", "run: x, os: [macos, linux]", {"os": ("macos", "linux")}),
    ("arch", "run: x, arch: [amd64, arm64]", {"arch": ("amd64", "arm64")}),
    ("requires", "run: x, requires: [a, b, a]", {"requires": ("a", "b")}),
    (
        "requires_mode",
        "run: x, requires: a, requires_mode: fail",
        {
            "requires": ("a",),
            "requires_mode": Missing.FAIL,
        },
    ),
    ("timeout", "run: x, timeout: 90", {"timeout_ms": 90_000}),
    ("timeout", "run: x, timeout: 0", {"timeout_ms": 0}),
    ("timeout", "run: x, timeout: 1m30s", {"timeout_ms": 90_000}),
    ("idle_timeout", "run: x, idle_timeout: 250ms", {"idle_timeout_ms": 250}),
    ("retries", "run: x, retries: 2", {"retry": Retry(max=2)}),
    (
        "retries",
        "run: x, retries: {max: 3, backoff: 5s}",
        {
            "retry": Retry(max=3, backoff_ms=5_000),
        },
    ),
    ("allow_failure", "run: x, allow_failure: true", {"allow_failure": True}),
    ("priority", "run: x, priority: -5", {"priority": -5}),
    (
        "locks",
        "run: x, locks: {db: write, cache: read}",
        {"locks": (("cache", LockMode.READ), ("db", LockMode.WRITE))},
    ),
    ("fail_text", "run: x, fail_text: oh no", {"fail_text": "oh no"}),
    ("log", "run: x, log: {retention: 1d}", {"retention_s": 86_400}),
    ("log", "run: x, log: {retention: 1ms}", {"retention_s": 1}),
    (
        "log",
        "run: x, log: {max_size: 1KiB, sample_every: 3}",
        {
            "log": LogPolicy(max_size=1024, sample_every=3),
        },
    ),
    ("log", "run: x, log: {max_size: 0}", {"log": LogPolicy(max_size=None)}),
]


def job(text: str) -> Job:
    (declared,) = (
        loaded(f"hooks: {{worktree-post-create: {{jobs: [{text}]}}}}", s__sh="echo")
        .hooks["worktree-post-create"]
        .jobs
    )
    return declared


@pytest.mark.parametrize(("key", "text", "effect"), JOB_KEYS)
def test_a_key_of_a_job_has_its_effect_and_no_other(
    key: str, text: str, effect: dict[str, Any]
) -> None:
    assert f"{key}: " in text
    expected = {field: getattr(PLAIN, field) for field in Job.__slots__} | effect
    assert {field: getattr(job(f"{{{text}}}"), field) for field in Job.__slots__} == expected


def test_the_table_has_every_key_of_a_job() -> None:
    elsewhere = {"needs", "group", "stage_fixed"}
    assert {key for key, _, _ in JOB_KEYS} | elsewhere == set(schema.JobShape.model_fields)


@pytest.mark.parametrize("needs", ["a", "[a]", "[a, a]"])
def test_needs_are_names_of_jobs(needs: str) -> None:
    hook = loaded(
        f"hooks: {{post-commit: {{jobs: [{{run: x, name: a}}, {{run: x, needs: {needs}}}]}}}}"
    ).hooks["post-commit"]
    assert [declared.needs for declared in hook.jobs] == [(), ("a",)]


def filtered(**rules: Any) -> dict[str, Any]:
    return {"jobs": (replace(PLAIN, filters=(Filter(**rules),)),)}


HOOK_KEYS: list[tuple[str, str, dict[str, Any]]] = [
    ("glob", "glob: a, jobs: [{run: x}]", filtered(glob=("a",))),
    ("exclude", "exclude: a, jobs: [{run: x}]", filtered(exclude=("a",))),
    ("file_types", "file_types: text, jobs: [{run: x}]", filtered(types=("text",))),
    ("files", "files: ls, jobs: [{run: x}]", {"jobs": (replace(PLAIN, files="ls"),)}),
    ("jobs", "jobs: [{run: x}]", {}),
    ("parallel", "parallel: true, jobs: [{run: x}]", {}),
    ("sequential", "sequential: true, jobs: [{run: x}]", {"mode": Mode.SEQUENTIAL}),
    ("sequential", "sequential: false, jobs: [{run: x}]", {}),
    ("piped", "piped: true, parallel: false, jobs: [{run: x}]", {"mode": Mode.PIPED}),
    ("background", "background: false, jobs: [{run: x}]", {}),
    ("fail_mode", "fail_mode: warn, jobs: [{run: x}]", {"fail_mode": FailMode.WARN}),
    ("skip", "skip: true, jobs: [{run: x}]", {"skip": (Condition(kind=Kind.ALWAYS),)}),
    ("only", "only: merge, jobs: [{run: x}]", {"only": (Condition(kind=Kind.MERGE),)}),
    ("exclude_tags", "exclude_tags: [a, b], jobs: [{run: x}]", {"exclude_tags": ("a", "b")}),
    ("env", "env: {A: 1}, jobs: [{run: x}]", {"env": (("A", "1"),)}),
]


@pytest.mark.parametrize(("key", "text", "effect"), HOOK_KEYS)
def test_a_key_of_a_hook_has_its_effect_and_no_other(
    key: str, text: str, effect: dict[str, Any]
) -> None:
    assert f"{key}: " in text
    plain = Hook(jobs=(PLAIN,))
    expected = {field: getattr(plain, field) for field in Hook.__slots__} | effect
    hook = loaded(f"hooks: {{worktree-post-create: {{{text}}}}}").hooks["worktree-post-create"]
    assert {field: getattr(hook, field) for field in Hook.__slots__} == expected


def test_the_table_has_every_key_of_a_hook() -> None:
    assert {key for key, _, _ in HOOK_KEYS} == set(schema.HookShape.model_fields)


def test_a_hooks_background_is_the_default_of_its_jobs() -> None:
    hook = loaded(
        "hooks: {post-commit: {background: true, jobs: [{run: x}, {run: x, background: false}]}}"
    ).hooks["post-commit"]
    assert [declared.background for declared in hook.jobs] == [True, False]


def test_a_task_is_one_job_or_several() -> None:
    config = loaded("""
tasks:
  build: {run: x, tags: a}
  named: {run: x, name: other}
  many: {piped: true, jobs: [{run: x}, {run: x, name: b}]}
""")
    assert [declared.name for declared in config.tasks["build"].jobs] == ["build"]
    assert [declared.name for declared in config.tasks["named"].jobs] == ["other"]
    many = config.tasks["many"]
    assert ([declared.name for declared in many.jobs], many.mode) == (
        ["task:many-1", "b"],
        Mode.PIPED,
    )
    assert config.for_event("task:many") is many
    assert config.for_event("many") is None
    assert config.for_event("task:none") is None


@pytest.mark.parametrize(
    "layout",
    [
        *("sibling", "contained", "contained-flat", "nested", "centralized"),
        "../{repo}-{branch_slug}",
        "{repo_path}/../x/{branch}",
    ],
)
def test_the_layout_is_a_name_or_a_template(layout: str) -> None:
    assert loaded(f"layout: '{layout}'").layout == layout


def test_the_coordinator_is_told_its_settings() -> None:
    settings = loaded("coordinator: {max_parallel: 3, idle_exit: 1m}").coordinator
    assert settings == CoordinatorSettings(max_parallel=3, idle_exit_ms=60_000)
    assert loaded("coordinator: {idle_exit: 0}").coordinator.idle_exit_ms == 0


def test_the_top_level_has_no_key_beyond_those_that_are_tested() -> None:
    assert set(schema.FileShape.model_fields) == {
        *("min_version", "extends"),  # in test_load
        "rc",  # in test_executed
        "env",  # in test_derived
        *("layout", "hooks", "tasks", "coordinator"),
    }
