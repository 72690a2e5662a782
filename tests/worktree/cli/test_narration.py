"""What a person sees of an event: who printed what, how it ended, and no more than they want."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from bough.coordinator.model import Job, Owner, SkipClass, Status
from bough.hooks.happenings import Ended, Noted, Planned, Printed, Selected, Started
from bough.worktree.cli.narration import Narrator, Volume
from tests.support import engine

Captured = pytest.CaptureFixture[str]


def job(name: str = "build", status: Status = Status.QUEUED, **known: Any) -> Job:
    facts = {"id": sum(name.encode()), "owner": Owner.FOREGROUND}
    return engine.job(name, status=status, **(facts | known))


def ended(name: str, status: Status, **known: Any) -> Ended:
    return Ended(job=job(name, status, started_at=0, finished_at=1500, **known))


def told(capsys: Captured, narrator: Narrator, *happenings: Any) -> list[str]:
    for happening in happenings:
        narrator(happening)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def planned(*jobs: Job) -> Planned:
    return Planned(event="worktree-post-create", jobs=jobs)


def printed(name: str, line: bytes, kind: str = "stdout") -> Printed:
    return Printed(job=job(name), kind=kind, line=line)


USUAL = (
    planned(
        job("build"),
        job("a-name-that-is-much-too-long"),
        job("later", owner=Owner.BACKGROUND),
        job("not-here", Status.SKIPPED, skip_class=SkipClass.CONDITION, reason="skip: true"),
        job("not-wanted", Status.SKIPPED, skip_class=SkipClass.USER, reason="--skip-hooks all"),
        job("evil", Status.SKIPPED, skip_class=SkipClass.TRUST, reason="untrusted"),
    ),
    Started(job=job("build", spec_command_text="make\nall")),
    printed("build", b"compiling\n"),
    printed("a-name-that-is-much-too-long", b"10%\r100%\r", "stderr"),
    ended("build", Status.SUCCEEDED),
)


def test_the_usual_names_the_jobs_and_labels_every_line(capsys: Captured) -> None:
    assert told(capsys, Narrator(Volume.NORMAL), *USUAL) == [
        "worktree-post-create: build, a-name-that-is-much-too-long, later",
        "               later │ in the background",
        "          not-wanted │ - skipped: --skip-hooks all",
        "               build │ compiling",
        "a-name-that-is-much… │ 100%",
        "               build │ ✓ (1.5s)",
    ]


def test_verbose_adds_commands_and_reasons(capsys: Captured) -> None:
    lines = told(capsys, Narrator(Volume.VERBOSE), *USUAL)
    assert "               build │ $ make\\nall" in lines
    assert "            not-here │ - skipped: skip: true" in lines
    assert not [line for line in lines if "evil" in line]


def test_quiet_says_nothing_of_what_goes_well(capsys: Captured) -> None:
    assert told(capsys, Narrator(Volume.QUIET), *USUAL) == []


def test_quiet_shows_what_a_failed_job_printed(capsys: Captured) -> None:
    lines = told(
        capsys,
        Narrator(Volume.QUIET),
        planned(job("build"), job("test")),
        printed("build", b"fine\n"),
        printed("test", b"broken\n"),
        ended("build", Status.SUCCEEDED),
        ended("test", Status.FAILED, reason="exit code 3"),
    )
    assert lines == [" test │ broken", " test │ ✗ failed: exit code 3 (1.5s)"]


def test_quiet_keeps_no_more_than_the_end_of_a_flood(capsys: Captured) -> None:
    narrator = Narrator(Volume.QUIET)
    flood = [printed("build", b"%05d" % n + b"x" * 59_995) for n in range(100)]
    lines = told(capsys, narrator, planned(job()), *flood, ended("build", Status.FAILED))
    assert lines[0] == "build │ (the end of its output)"
    assert [line[8:13] for line in lines[1:-1]] == ["00096", "00097", "00098", "00099"]


@pytest.mark.parametrize(
    ("happening", "lines"),
    [
        (ended("x", Status.FAILED, reason="exit code 1"), ["x │ ✗ failed: exit code 1 (1.5s)"]),
        (ended("x", Status.TIMED_OUT), ["x │ ✗ timed out (1.5s)"]),
        (
            ended("x", Status.CANCELLED, reason="interrupted"),
            ["x │ ✗ cancelled: interrupted (1.5s)"],
        ),
        (
            Ended(job=job("x", Status.SKIPPED, reason="needs y, which failed")),
            ["x │ - skipped: needs y, which failed"],
        ),
        (
            ended("x", Status.FAILED, reason="exit code 1", spec_fail_text="Try npm login."),
            ["x │ ✗ failed: exit code 1 (1.5s)", "x │ Try npm login."],
        ),
        (
            Ended(
                job=job("x", Status.FAILED, reason="exit code 1", spec_fail_text="Not yet."),
                retrying=True,
            ),
            ["x │ ✗ failed: exit code 1; trying again"],
        ),
        (Noted(text="look here", hint="type this"), ["bough: look here", "  type this"]),
        (Noted(text="look here"), ["bough: look here"]),
    ],
)
def test_every_end_is_told(capsys: Captured, happening: Any, lines: list[str]) -> None:
    narrator = Narrator(Volume.NORMAL)
    told(capsys, narrator, planned(job("x")))
    assert told(capsys, narrator, happening) == lines


def test_names_and_reasons_cannot_command_the_terminal(capsys: Captured) -> None:
    narrator = Narrator(Volume.NORMAL)
    name = "a\n\x1b[31m"
    lines = told(
        capsys, narrator, planned(job(name)), ended(name, Status.FAILED, reason="be\x1bcause")
    )
    assert lines == [
        "worktree-post-create: a\\n\\x1b[31m",
        "a\\n\\x1b[31m │ ✗ failed: be\\x1bcause (1.5s)",
    ]


def test_an_event_that_runs_nothing_is_silent_unless_it_was_typed(capsys: Captured) -> None:
    skipped = job("x", Status.SKIPPED, skip_class=SkipClass.CONDITION, reason="skip: true")
    assert told(capsys, Narrator(Volume.NORMAL), planned(skipped)) == []
    assert told(capsys, Narrator(Volume.NORMAL, typed=True), planned(skipped)) == [
        "worktree-post-create: nothing to run",
        "x │ - skipped: skip: true",
    ]


def test_a_single_task_is_passed_through_as_it_is(capsysbinary: Any) -> None:
    narrator = Narrator(Volume.NORMAL, typed=True)
    narrator.pass_through()
    for happening in (
        planned(job()),
        printed("build", b"to \xff out\n"),
        printed("build", b"to err", "stderr"),
        ended("build", Status.SUCCEEDED),
    ):
        narrator(happening)
    captured = capsysbinary.readouterr()
    assert (captured.out, captured.err) == (b"to \xff out\n", b"to err")


def test_a_task_that_does_not_run_says_why(capsys: Captured) -> None:
    narrator = Narrator(Volume.NORMAL, typed=True)
    narrator.pass_through()
    skipped = job("x", Status.SKIPPED, skip_class=SkipClass.CONDITION, reason="skip: true")
    assert told(capsys, narrator, planned(skipped)) == ["bough: x did not run: skip: true"]


@pytest.mark.parametrize(
    ("events", "typed", "warned"),
    [
        ([{"lint"}, {"lint"}], ("lint",), ["lint"]),
        ([{"lint"}, set()], ("lint",), []),
        ([{"a", "b"}], ("a,b", "c"), ["a", "b"]),
        ([{"lint"}], (), []),
        ([], ("lint",), []),
    ],
)
def test_selectors_that_no_event_knew_are_told_once(
    capsys: Captured, events: list[set[str]], typed: tuple[str, ...], warned: list[str]
) -> None:
    narrator = Narrator(Volume.NORMAL)
    for unmatched in events:
        narrator(Selected(unmatched=frozenset(unmatched)))
    narrator.warn_of_unmatched(typed)
    assert capsys.readouterr().err.splitlines() == [
        f"bough: --skip-hooks {word} matched no event, tag or job" for word in warned
    ]


def test_a_passed_through_task_whose_reader_is_gone_is_asked_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    try:
        with open(writer, "w") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            narrator = Narrator(Volume.NORMAL)
            narrator.pass_through()
            narrator(printed("build", b"y\n"))
            narrator(printed("build", b"y\n"))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert narrator.reader_gone
    assert asked == [signal.SIGTERM]
    assert capsys.readouterr().err == ""
