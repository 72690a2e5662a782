"""What scenarios say of jobs, against the rows and logs that bough itself leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scenarios.loading import load
from tests.support.scenarios.playing import ScenarioFailed, play

STORY = """\
description: two jobs, and what is known of them
repo:
  files:
    bough.yml: |
      hooks:
        worktree-post-create:
          jobs:
            - {name: here, run: "echo out; echo err >&2; printf 'x\\\\377y'"}
            - {name: there, run: "echo from $SANDBOX; exec sleep 60", background: true}
  trust: true
steps:
  - run: bough start a
    expect: {log: {job: there, output: {contains: from}}, within: 10s}
  - kill: {job: there}
expect:
"""


def played(tmp_path: Path, expectation: str) -> str:
    """The report of the story with this expectation, empty if it passes."""
    path = tmp_path / "story.yml"
    path.write_text(STORY + "".join(f"  {line}\n" for line in expectation.splitlines()))
    try:
        play(load(path))
    except ScenarioFailed as failed:
        return str(failed)
    return ""


def test_rows_logs_and_events_are_found_as_bough_leaves_them(tmp_path: Path) -> None:
    expectation = """\
worktrees: [main, repo.a]
jobs:
  - {name: here, status: succeeded, owner: foreground, exit_code: 0, branch: a}
  - {name: there, status: failed, owner: background, signal: 9}
log:
  - job: here
    stdout: {equals: "out\\nx\\udcffy"}
    stderr: {lines: [err]}
    output: {line_count: 3}
    statuses: [started, finished]
  - {job: {name: there, worktree: repo.a}, output: {lines: ["from {sandbox}"]}}
events: {job: here, path: [queued, running, succeeded]}
within: 10s
"""
    assert played(tmp_path, expectation) == ""


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("log: {job: here, stderr: {contains: out}}", "the stderr in the log of here does not"),
        ("log: {job: here, statuses: [started]}", "the log of here has the statuses started, fin"),
        ("events: {job: here, path: [queued]}", "the job here went queued → running → succeeded"),
    ],
)
def test_a_log_that_is_not_as_expected_is_told(
    tmp_path: Path, expectation: str, problem: str
) -> None:
    assert f"✗ {problem}" in played(tmp_path, expectation)
