"""Everything that is wrong is told, where it is, in words; and nothing is told twice."""

from __future__ import annotations

import pytest

from bough.hooks.config.load import load
from bough.hooks.errors import ConfigError
from tests.hooks.planning import Files


def problems(text: str, local: str = "") -> list[str]:
    """The problems of a `bough.yml`, without the file's name."""
    with pytest.raises(ConfigError) as refused:
        load(Files({"bough.yml": text} | ({"bough.local.yml": local} if local else {})))
    return [str(problem).removeprefix("bough.yml:") for problem in refused.value.problems]


def of_job(job: str) -> list[str]:
    """The problems of the job that a flow mapping describes, without the line."""
    found = problems(f"hooks:\n  post-commit:\n    jobs:\n      - {job}\n")
    return [problem.removeprefix("4:") for problem in found]


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("{run: x, rnu: y}", "18: unknown key `rnu`; did you mean `run`?"),
        ("{run: x, scirpt: y}", "18: unknown key `scirpt`; did you mean `script`?"),
        ("{run: 'echo {files}'}", "15: `{files}` needs `files`, the command that prints them"),
        (
            "{run: x, root: '{all_files}'}",
            (
                "24: `{all_files}` is a list of files, which only `run` and `args` take. For these "
                "characters themselves write `{{all_files}}`."
            ),
        ),
        (
            "{run: x, files: 'ls {nope}'}",
            "25: unknown template `{nope}`. For these characters themselves write `{{nope}}`.",
        ),
        ("{run: x, stage_fixed: true}", "31: `stage_fixed` works in `pre-commit` only"),
        (
            "{run: x, file_types: exe}",
            (
                "30: `file_types` must be one of text, binary, executable, not executable, "
                "symlink, not symlink; not `exe`"
            ),
        ),
        ("{run: x, runner: y}", "26: `runner` belongs to a `script`, and there is none"),
        ("{run: x, args: y}", "24: `args` belongs to a `script`, and there is none"),
        ("{script: nowhere.sh}", "18: `nowhere.sh` does not exist"),
        (
            "{script: ../x.sh}",
            "18: `../x.sh` must not contain `..`: it must stay inside the worktree",
        ),
        (
            "{script: bough.yml, run: x}",
            "9: a job has one of `run` and `script`, and this one has both",
        ),
        ("{script: bough.yml, args: 'a \"b'}", "35: `args` has a quote without its partner"),
        (
            "{script: bough.yml, args: [a, '{x}']}",
            "39: unknown template `{x}`. For these characters themselves write `{{x}}`.",
        ),
        ("{run: x, piped: true}", "18: `piped` is a key of a hook, not of a job"),
        ("{run: [x]}", "15: `run` must be text; not a list"),
        ("{run: ''}", "15: `run` must not be empty"),
        ("{run: }", "15: `run` must be text; it has no value"),
        ("{run: {linux: x, windows: y}}", "26: unknown key `windows`; known here: linux, macos"),
        ("{run: {}}", "9: `post-commit-1` has nothing to run: it needs `run` or `script`"),
        ("{name: a}", "9: `a` has nothing to run: it needs `run` or `script`"),
        ("x", "9: `jobs` must be a mapping; not `x`"),
        ("{run: x, name: ''}", "24: `name` must not be empty"),
        (f"{{run: x, name: {'n' * 201}}}", "24: `name` is longer than 200 characters"),
        ("{run: x, name: [a]}", "24: `name` must be text; not a list"),
        ("{run: x, root: /tmp}", "24: `/tmp` must be relative to the worktree's root"),
        (
            "{run: x, root: a/../b}",
            "24: `a/../b` must not contain `..`: it must stay inside the worktree",
        ),
        (
            "{run: x, root: '{nope}'}",
            ("24: unknown template `{nope}`. For these characters themselves write `{{nope}}`."),
        ),
        ("{run: x, env: [A]}", "23: `env` must be a mapping; not a list"),
        ("{run: x, env: {A: [b]}}", "27: `A` must be text; not a list"),
        ("{run: x, env: {A-B: c}}", "24: `A-B` is not the name of a variable"),
        ("{run: x, env: {BOUGH_JOB: c}}", "24: `BOUGH_JOB` is set by bough and cannot be changed"),
        (
            "{run: x, env: {A: '{env:B}'}}",
            (
                "27: `{env:B}` works in `run` only. For these "
                "characters themselves write `{{env:B}}`."
            ),
        ),
        ("{run: x, needs: ghost}", "25: `needs` names no job here: `ghost`"),
        ("{run: x, name: a, needs: [a]}", "35: `a` needs itself"),
        ("{run: x, needs: {a: b}}", "25: `needs` must be a list; not a mapping"),
        ("{run: x, needs: }", "25: `needs` must be a list; it has no value"),
        (
            "{run: x, when: sometimes}",
            "24: `when` must be one of success, always, failure; not `sometimes`",
        ),
        (
            "{run: x, when: failure}",
            "24: `when: failure` needs `needs`: it looks at the outcome of those",
        ),
        ("{run: x, background: yes}", "30: `background` must be true or false; not `yes`"),
        (
            "{run: x, background_output: loud}",
            "37: `background_output` must be one of log, silent; not `loud`",
        ),
        (
            "{run: x, skip: [merg]}",
            "25: `skip` takes true, false, merge, rebase, {ref: glob} or {env: NAME}; not `merg`",
        ),
        ("{run: x, skip: {run: y}}", "25: unknown key `run`; known here: ref, env, desc"),
        ("{run: x, skip: {desc: y}}", "24: a condition has exactly one of `ref` and `env`"),
        (
            "{run: x, only: {ref: a, env: b}}",
            "24: a condition has exactly one of `ref` and `env`",
        ),
        (
            "{run: x, only: {ref: '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}'}}",
            "30: `ref` is wrong: the braces stand for more than 256 patterns",
        ),
        ("{run: x, os: windows}", "22: `os` must be one of linux, macos; not `windows`"),
        (
            "{run: x, arch: arm65}",
            (
                "24: `arch` must be one of arm64, armv7l, i686, ppc64le, riscv64, s390x, x86_64; "
                "not `arm65`; did you mean `arm64`?"
            ),
        ),
        (
            "{run: x, requires_mode: stop}",
            ("33: `requires_mode` must be one of skip, fail; not `stop`"),
        ),
        (
            "{run: x, timeout: soon}",
            (
                "27: `timeout` is wrong: `soon` is not a duration; write it like 30s, 5m, 1h30m or "
                "250ms"
            ),
        ),
        ("{run: x, retries: -1}", "27: `max` must be a whole number from 0 to 20; not `-1`"),
        (
            "{run: x, retries: {max: 21}}",
            ("33: `max` must be a whole number from 0 to 20; not `21`"),
        ),
        (
            "{run: x, retries: {backoff: 1s}}",
            ("27: `backoff` waits for nothing: `max` is missing or 0"),
        ),
        (
            "{run: x, priority: 1.5}",
            ("28: `priority` must be a whole number from -1000000 to 1000000; not `1.5`"),
        ),
        (
            "{run: x, log: {max_size: 10M}}",
            ("34: `max_size` is wrong: `10M` is not a size; write it like 500KB, 10MiB or 1GB"),
        ),
        (
            "{run: x, log: {sample_every: 0}}",
            ("38: `sample_every` must be a whole number from 1 to 1000000; not `0`"),
        ),
        ('{run: "a\\0b"}', "15: a NUL character cannot be used in any text"),
        (
            "{run: 'echo {brnch}'}",
            (
                "15: unknown template `{brnch}`; did you mean `branch`? For "
                "these characters themselves write `{{brnch}}`."
            ),
        ),
    ],
)
def test_a_wrong_job_is_told_where_and_why(job: str, said: str) -> None:
    assert of_job(job) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- x", "1:1: the file must be a mapping; not a list"),
        ("hooks: x", "1:8: `hooks` must be a mapping; not `x`"),
        ("hooks:", "1:7: `hooks` must be a mapping; it has no value"),
        ("hoks: {}", "1:1: unknown key `hoks`; did you mean `hooks`?"),
        (
            "zzz: {}",
            (
                "1:1: unknown key `zzz`; known here: min_version, extends, rc, layout, env, hooks, "
                "tasks, coordinator"
            ),
        ),
        ("pre-commit: {}", "1:1: `pre-commit` is an event: declare it under `hooks:`"),
        (
            "merge: {}",
            "1:1: `merge` is reserved for bough's own merge, which does not exist yet",
        ),
        (
            "hooks: {pre-merge: {jobs: []}}",
            "1:9: `pre-merge` is reserved for bough's own merge, which does not exist yet",
        ),
        (
            "hooks: {post-merge: {jobs: []}}",
            (
                "1:9: `post-merge` is reserved for bough's own merge, which does not exist yet; "
                "git's own is `git-post-merge`"
            ),
        ),
        (
            "hooks: {pre-comit: {jobs: []}}",
            "1:9: unknown event `pre-comit`; did you mean `pre-commit`?",
        ),
        ("hooks: {pre-commit: [a]}", "1:21: `pre-commit` must be a mapping; not a list"),
        ("hooks: {pre-commit: {jobs: {run: x}}}", "1:28: `jobs` must be a list; not a mapping"),
        (
            "hooks: {pre-commit: {run: x, jobs: [{run: x}]}}",
            "1:22: `run` is a key of a job: write it inside `jobs:`",
        ),
        ("hooks: {pre-commit: {skip: true}}", "1:21: `pre-commit` declares no jobs"),
        (
            "hooks: {pre-commit: {parallel: true, piped: true, jobs: [{run: x}]}}",
            "1:21: `parallel` and `piped` exclude each other; keep one",
        ),
        (
            "hooks: {pre-commit: {parallel: false, jobs: [{run: x}]}}",
            "1:21: `parallel: false` leaves open how: write `sequential` or `piped`",
        ),
        (
            "hooks: {pre-commit: {env: {A: '{x}'}, jobs: [{run: x}]}}",
            "1:31: unknown template `{x}`. For these characters themselves write `{{x}}`.",
        ),
        (
            "hooks: {pre-commit: {fail_mode: ignore, jobs: [{run: x}]}}",
            "1:33: `fail_mode` must be one of abort, warn; not `ignore`",
        ),
        (
            "hooks: {pre-commit: {jobs: [{run: x, background: true}]}}",
            "1:50: `pre-commit` waits for its jobs, so none of them can be in the background",
        ),
        (
            "hooks: {worktree-pre-remove: {background: true, jobs: [{run: x}, {run: y}]}}",
            (
                "1:43: `worktree-pre-remove` waits for its jobs, so none of them can be in the "
                "background"
            ),
        ),
        (
            "hooks: {post-commit: {jobs: [{run: x, name: a}, {run: y, name: a}]}}",
            "1:64: two jobs are called `a`; the first at line 1, column 45",
        ),
        (
            "hooks: {post-commit: {jobs: [{run: x}, {run: y, name: post-commit-1}]}}",
            "1:30: this job needs a `name`: another one is called `post-commit-1`",
        ),
        (
            (
                "hooks: {post-commit: {jobs: [{run: x, name: a, needs: b}, "
                "{run: x, name: b, needs: c}, {run: x, name: c, needs: a}]}}"
            ),
            "1:55: `needs` goes in a circle: a → b → c → a",
        ),
        (
            (
                "hooks: {post-commit: {piped: true, jobs: [{run: x, name: a, needs: b}, "
                "{run: x, name: b}]}}"
            ),
            "1:68: `b` comes later, and the jobs of a piped hook go in order",
        ),
        (
            "hooks: {post-commit: {piped: true, jobs: [{run: x, when: failure}]}}",
            "1:58: `when: failure` needs `needs`: it looks at the outcome of those",
        ),
        (
            "hooks: {worktree-post-create: {jobs: [{run: 'echo {1}'}]}}",
            (
                "1:45: `{1}` stands for an argument, and only tasks and git's own hooks have "
                "arguments. For these characters themselves write `{{1}}`."
            ),
        ),
        ("tasks: {a: b}", "1:12: `a` must be a mapping; not `b`"),
        ("tasks: {'': {run: x}}", "1:9: `tasks` must not be empty"),
        ("tasks: {a: {env: {A: b}}}", "1:12: `a` has nothing to run: it needs `run` or `script`"),
        (
            "tasks: {a: {run: x, jobs: [{run: y}]}}",
            "1:13: `run` is a key of a job: write it inside `jobs:`",
        ),
        (
            "layout: sidling",
            (
                "1:9: `layout` must be one of sibling, contained, contained-flat, "
                "nested, centralized, or a template; not `sidling`; did you mean `sibling`?"
            ),
        ),
        (
            "layout: '{repo}/x'",
            (
                "1:9: `layout` must contain {branch} or {branch_slug}: every "
                "worktree needs its own path"
            ),
        ),
        (
            "layout: '{rep}/{branch}'",
            (
                "1:9: `layout` is wrong: unknown template `{rep}`; did you "
                "mean `repo`? For these characters themselves write `{{rep}}`."
            ),
        ),
        (
            "coordinator: {max_parallel: 0}",
            ("1:29: `max_parallel` must be a whole number from 1 to 1000; not `0`"),
        ),
        (
            "coordinator: {idle_exit: x}",
            (
                "1:26: `idle_exit` is wrong: `x` is not a duration; write "
                "it like 30s, 5m, 1h30m or 250ms"
            ),
        ),
        ("min_version: new", "1:14: `min_version` must be a version like 1.2; not `new`"),
        ("rc: nowhere", "1:5: `nowhere` does not exist"),
        ("extends: ''", "1:10: `extends` must not be empty"),
        ("a: 1\na: 2\n", "2:1: `a` is here twice; the first is at line 1, column 1"),
    ],
)
def test_a_wrong_file_is_told_where_and_why(text: str, said: str) -> None:
    assert said in problems(text)
    assert len(problems(text)) == 1 + text.startswith("a: 1")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = """\
hooks:
  worktree-post-create:
    jobs:
      - name: a
        rnu: x
        needs: [b, nope]
      - name: b
        run: echo {brnch}
        needs: c
      - {name: c, run: x, needs: b, timeout: 5x}
  pre-push: {jobs: [{run: x, background: true}]}
tasks:
  t: 3
"""
    assert [problem.split(" ")[0] for problem in problems(text)] == [
        "5:9:",
        "6:20:",
        "8:14:",
        "9:16:",
        "10:46:",
        "11:42:",
        "13:6:",
    ]


def test_nobody_is_blamed_for_what_could_not_be_read() -> None:
    text = "hooks: {post-commit: {jobs: [{name: [x], run: y}, {run: [z]}, {run: y, needs: x}]}}"
    assert [problem.split(" ")[1] for problem in problems(text)] == ["`name`", "`run`"]


def test_a_broken_list_of_jobs_is_told_once() -> None:
    assert problems("hooks: {post-commit: {jobs: [{run: x, needs: a}, 3]}}") == [
        "1:50: `jobs` must be a mapping; not `3`"
    ]


def test_a_problem_of_the_whole_is_told_at_the_last_definition() -> None:
    main = "hooks: {post-commit: {jobs: [{name: a, run: x}, {name: b, run: x, needs: a}]}}"
    local = "hooks: {post-commit: {jobs: [{name: a, needs: b}]}}"
    assert problems(main, local) == [
        "bough.local.yml:1:47: `needs` goes in a circle: a → b → a",
    ]


def test_files_that_disagree_about_a_task_are_told() -> None:
    main = "tasks: {t: {run: x}}"
    local = "tasks: {t: {jobs: [{run: y}]}}"
    assert problems(main, local) == ["1:18: `run` is a key of a job, and the task `t` has `jobs`"]


def test_a_local_file_may_speak_of_a_hook_that_this_branch_does_not_have() -> None:
    config = load(Files({"bough.yml": "", "bough.local.yml": "hooks: {pre-push: {skip: true}}"}))
    assert config is not None
    assert config.hooks["pre-push"].jobs == ()


def test_a_hostile_name_stays_on_its_line() -> None:
    found = of_job('{run: x, needs: "a\\n\\e[31mb"}')
    assert found == [r"25: `needs` names no job here: `a\n\x1b[31mb`"]
