"""The scenario runner: what it refuses, what it notices, and what it shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support import leaks
from tests.support.commands import Finished, run
from tests.support.scenarios.loading import load
from tests.support.scenarios.playing import ScenarioFailed, play
from tests.support.scenarios.reading import Malformed

ROOT = Path(__file__).parents[3]

STORY = """\
description: a bit of everything that needs only git and a shell
repo:
  name: a b
  files: {tool.sh: "#!/bin/sh\\necho tool in {repo}\\n"}
  uncommitted: {new.txt: "x\\n"}
  branches: {side: {side.txt: "side\\n"}}
  config: {sample.key: value}
  remote: true
steps:
  - run: |
      git config sample.key
      git worktree add -q ../linked side
      echo "$REPO" >&2
    expect:
      stdout: {equals: "value\\n"}
      stderr: {lines: ["{repo}"], lacks: ["{sandbox}/x"]}
      worktrees: [main, linked]
      branches: {has: [main, side], lacks: other}
  - write: {deep/file.json: '{"a": [1, {"b": 2, "c": 3}], "d": null}'}
    in: linked
  - run: cat deep/file.json; exit 3
    in: linked
    expect:
      exit: 3
      stdout: {json: {a: [{b: 2}], d: null}}
  - commit: {more.txt: "1\\n2\\n"}
  - run: git log -1 --format=%an; git status --short; test ! -t 0 && cat
    stdin: from stdin
    env: {GREETING: "{sandbox}"}
    expect:
      stdout: {contains: [Test Person, "?? new.txt", from stdin], matches: "^\\\\?\\\\? new"}
  - run: test -t 0 && read x && echo "<$x>"
    tty: true
    stdin: "typed\\n"
    expect: {stdout: {contains: <typed>}}
expect:
  files:
    a b/more.txt: {lines: ["1", "2"], line_count: 2}
    a b/tool.sh: {mode: "0755", contains: "{sandbox}"}
  dirs: [linked/deep, origin.git]
  missing: [nothing]
"""


def played(tmp_path: Path, content: str) -> str:
    """The report of a scenario, empty if it passes."""
    path = tmp_path / "story.yml"
    path.write_text(content)
    try:
        play(load(path))
    except ScenarioFailed as failed:
        return str(failed)
    return ""


def test_a_story_that_is_true_passes(tmp_path: Path) -> None:
    # File contents keep their braces, which may be templates of bough's own.
    told = STORY.replace('contains: "{sandbox}"', "contains: echo tool in")
    assert played(tmp_path, told) == ""


def test_placeholders_of_expectations_are_filled_and_those_of_files_are_not(tmp_path: Path) -> None:
    assert "a b/tool.sh does not contain '/" in played(tmp_path, STORY)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("description: x\nstpes: []\n", "2:1: unknown key 'stpes' (did you mean 'steps'?)"),
        ("description: x\n", "1:1: the key 'steps' is missing"),
        ("", "1:1: the file is empty"),
        ("description: [\n", "2:1: expected the node content"),
        (
            "description: x\nsteps:\n  - rnu: ls\n",
            "kill, jobs, age (did you mean 'run'?)",
        ),
        ("description: x\nsteps:\n  - {run: a, wait: b}\n", "3:5: a step has exactly one of"),
        ("description: x\nsteps:\n  - run: a\n    inn: b\n", "4:5: unknown key 'inn'"),
        ("description: x\nsteps:\n  - run: a\n    as: b\n", "3:5: 'as' names a step in the"),
        (
            "description: x\nsteps:\n  - {run: a, background: true, as: b, expect: {exit: 0}}\n",
            "3:48: unknown key 'exit'",
        ),
        ("description: x\nsteps: []\nexpect: {stdout: {}}\n", "3:10: unknown key 'stdout'"),
        ("description: x\nsteps: []\nexpect: {within: 5}\n", "3:18: expected a duration"),
        (
            "description: x\nsteps: []\nexpect: {jobs: [{sttus: failed}]}\n",
            "3:18: unknown key 'sttus' (did you mean 'status'?)",
        ),
        ("description: x\nsteps: []\nsteps: []\n", "3:1: 'steps' stands here twice"),
        ("description: x\nrepo: nun\nsteps: []\n", "2:7: expected one of none"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(content)
    with pytest.raises(Malformed) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:")
    assert problem in str(caught.value)


def test_a_failing_step_shows_all_that_is_known(tmp_path: Path) -> None:
    report = played(
        tmp_path,
        "description: x\n"
        "steps:\n"
        "  - run: echo fine\n"
        "  - run: echo seen; echo heard >&2; touch -- 'left over'; exit 4\n"
        "    expect:\n"
        "      stdout: {contains: absent}\n"
        "      branches: {has: nope}\n",
    )
    for part in (
        "story.yml:4: in repo: echo seen; ",
        "✗ exit is 4, not 0",
        "✗ stdout does not contain 'absent'",
        "✗ there is no branch nope",
        "--- stdout\nseen\n",
        "--- stderr\nheard\n",
        "repo/left over (0 bytes)",
    ):
        assert part in report
    assert "fine" not in report


def test_within_waits_for_what_happens_in_the_background(tmp_path: Path) -> None:
    story = (
        "description: x\n"
        "steps:\n"
        "  - run: (sleep 0.3; echo late > ../late) >/dev/null 2>&1 &\n"
        "    expect:\n"
        '      files: {late: {equals: "late\\n"}}\n'
    )
    assert "there is no file late" in played(tmp_path, story)
    assert played(tmp_path, story + "      within: 5s\n") == ""


def test_within_does_not_wait_for_ever(tmp_path: Path) -> None:
    report = played(
        tmp_path,
        "description: x\nsteps: []\nexpect:\n  dirs: never\n  within: 50ms\n".replace(
            "[]", "[{run: true}]"
        ),
    )
    assert "✗ there is no folder never" in report
    assert "✗ (tried for 0.05 s)" in report


def test_a_command_in_the_background_is_signalled_and_awaited(tmp_path: Path) -> None:
    report = played(
        tmp_path,
        "description: x\n"
        "steps:\n"
        "  - run: trap 'echo caught; exit 9' INT; touch ../ready; while :; do sleep 0.05; done\n"
        "    background: true\n"
        "    as: loop\n"
        "    expect: {files: {ready: {equals: ''}}, within: 5s}\n"
        "  - signal: {step: loop, signal: INT}\n"
        "  - wait: loop\n"
        '    expect: {exit: 9, stdout: {equals: "caught\\n"}}\n',
    )
    assert report == ""


def test_a_command_that_nobody_waits_for_is_a_failure(tmp_path: Path) -> None:
    story = "description: x\nsteps:\n  - {run: sleep 60, background: true, as: lost}\n"
    assert "✗ no step waits for 'lost', which goes on" in played(tmp_path, story)


def test_a_step_out_of_time_is_killed_and_shown(tmp_path: Path) -> None:
    story = "description: x\nsteps:\n  - {run: echo begun; sleep 60, timeout: 200ms}\n"
    report = played(tmp_path, story)
    assert "✗ it did not end within 0.2 s and was killed" in report
    assert "begun" in report


def test_a_process_that_survives_is_reported_beside_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "PATIENCE_S", 0.3)
    story = "description: x\nsteps:\n  - run: sleep 60 >/dev/null 2>&1 & exit 7\n"
    report = played(tmp_path, story)
    assert "✗ exit is 7, not 0" in report
    assert "survived the test that started them" in report
    assert "sleep 60" in report


def pytest_run(folder: Path, *args: str) -> Finished:
    """pytest itself, with the plugin, on a folder of scenario files."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.scenarios.plugin"]
    options = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider"]
    return run([*command, *options, *args, folder], cwd=folder, env={"PYTHONPATH": str(ROOT)})


def test_each_file_is_one_test(tmp_path: Path) -> None:
    (tmp_path / "area").mkdir()
    good = "description: x\nsteps: [{run: 'true'}]\n"
    (tmp_path / "good.yml").write_text(good)
    (tmp_path / "area" / "bad.yml").write_text(good.replace("true", "false"))
    (tmp_path / "area" / "wrong.yml").write_text("steps: {}\n")
    (tmp_path / "needy.yml").write_text(f"requires: no-such-program\n{good}")
    result = pytest_run(tmp_path, "-rs", "-n2")
    assert result.returncode == 1
    assert "2 failed, 1 passed, 1 skipped" in result.stdout
    assert "no-such-program is not installed" in result.stdout
    assert "✗ exit is 1, not 0" in result.stdout
    assert "wrong.yml:1:8: expected a list" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("repo: {branches: [main]}\nsteps: []\n", "the repository could not be made:\ncommand: "),
        ("steps: [{run: ls, in: nowhere}]\n", "story.yml:2: in nowhere: ls\n  ✗ [Errno 2]"),
        ("steps: [{commit: {a: b}, in: .}]\n", "not a git repository"),
        ("steps: [{wait: nothing}]\n", "✗ no step 'nothing' goes on in the background"),
    ],
)
def test_what_cannot_be_done_is_a_failure_and_no_traceback(
    tmp_path: Path, content: str, problem: str
) -> None:
    assert problem in played(tmp_path, f"description: x\n{content}")


MADE_UP = """\
description: rows that no command has written, and processes that are on record
steps:
  - write:
      make.py: |
        import sys
        from bough.coordinator.places import StatePlaces
        from bough.coordinator.store.schemas import write_repository
        write_repository(StatePlaces(root=sys.argv[1])).close()
      oldest.py: |
        import sqlite3, sys, time
        rows = sqlite3.connect(sys.argv[1]).execute("SELECT min(queued_at) FROM jobs")
        print(round((time.time() - rows.fetchone()[0] / 1000) / 86400))
  - run: python -P make.py {state}/repos/some-id
  - jobs:
      - {name: build, status: running, owner: foreground}
      - {name: test, status: skipped, reason: needs build, skip_class: dependency}
    event: pre-push
    expect:
      jobs:
        - {name: build, status: running, event: pre-push, branch: main, worktree_path: "{repo}"}
        - {name: test, reason: {contains: build}, exit_code: null}
        - {status: failed, count: 0}
        - {count: 2}
      events: {job: build, path: [running]}
  - age: {invocation: last, by: 8d}
  - run: python -P oldest.py {state}/repos/some-id/coordinator.db
    expect: {stdout: {equals: "8\\n"}}
  - run: printf '{"pid":%d}' $$ > {state}/repos/some-id/coordinator.json; exec sleep 60
    background: true
    as: sleeper
  - kill: coordinator
  - wait: sleeper
    expect: {exit: 137}
"""


def test_rows_can_be_made_up_and_processes_on_record_killed(tmp_path: Path) -> None:
    assert played(tmp_path, MADE_UP) == ""


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("jobs: [{name: build, status: failed}]", "no row of a job has name: build, status: fail"),
        ("jobs: [{count: 1}]", "2 rows of jobs have any, not 1"),
        ("jobs: [{name: test, reason: {lacks: build}}]", "no row of a job has name: test, reason"),
        ("events: {job: build, path: [queued]}", "the job build went running"),
        ("events: {job: none, path: [queued]}", "there is no row of the job none"),
        ("log: {job: build, statuses: [started]}", "there is no log of the job build"),
    ],
)
def test_rows_that_are_not_as_expected_are_told(
    tmp_path: Path, expectation: str, problem: str
) -> None:
    told = MADE_UP[: MADE_UP.index("    expect:")] + f"expect:\n  {expectation}\n"
    report = played(tmp_path, told)
    assert f"✗ {problem}" in report
    assert "--- jobs\nname='build'  attempt=1  owner='foreground'  status='running'" in report
