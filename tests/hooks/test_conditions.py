"""`skip`, `only`, `os`, `arch`: verdicts and their words."""

from __future__ import annotations

import pytest

from bough.hooks.conditions import (
    Condition,
    Kind,
    Situation,
    canonical_architecture,
    reason_to_skip,
    wrong_platform,
)

HERE = Situation(branch="main", env={"CI": "1", "EMPTY": ""}, merging=True, rebasing=False)


def one(kind: Kind, value: str = "", desc: str = "") -> Condition:
    return Condition(kind=kind, value=value, desc=desc)


@pytest.mark.parametrize(
    ("condition", "skipped", "not_only"),
    [
        (one(Kind.ALWAYS), "skip: true", ""),
        (one(Kind.NEVER), "", "only: false"),
        (one(Kind.MERGE), "skip: merge in progress", ""),
        (one(Kind.REBASE), "", "only: no rebase in progress"),
        (one(Kind.REF, "main"), "skip: on branch main", ""),
        (one(Kind.REF, "m*"), "skip: on branch main", ""),
        (one(Kind.REF, "release/*"), "", "only: not on branch release/*"),
        (one(Kind.ENV, "CI"), "skip: CI is set", ""),
        (one(Kind.ENV, "EMPTY"), "", "only: EMPTY is not set"),
        (one(Kind.ENV, "ABSENT"), "", "only: ABSENT is not set"),
        (one(Kind.ENV, "CI", "not on the build machine"), "skip: not on the build machine", ""),
        (one(Kind.REBASE, desc="for rebases"), "", "only: for rebases"),
    ],
)
def test_a_condition_skips_where_it_holds_and_only_where_it_does_not(
    condition: Condition, skipped: str, not_only: str
) -> None:
    assert reason_to_skip([condition], [], HERE) == skipped
    assert reason_to_skip([], [condition], HERE) == not_only


def test_any_skip_is_enough_and_every_only_is_needed() -> None:
    never, always = one(Kind.NEVER), one(Kind.ALWAYS)
    assert reason_to_skip([never, always], [], HERE) == "skip: true"
    assert reason_to_skip([never, never], [always, always], HERE) == ""
    assert reason_to_skip([], [always, never], HERE) == "only: false"
    assert reason_to_skip([], [], HERE) == ""


def test_no_ref_matches_a_detached_head() -> None:
    detached = Situation(branch="", env={}, merging=False, rebasing=False)
    assert reason_to_skip([one(Kind.REF, "**")], [], detached) == ""
    assert reason_to_skip([], [one(Kind.REF, "*")], detached) == "only: not on branch *"


def test_a_hostile_branch_is_told_on_one_line() -> None:
    there = Situation(branch="a\n\x1b[31m", env={}, merging=False, rebasing=False)
    assert reason_to_skip([one(Kind.REF, "**")], [], there) == r"skip: on branch a\n\x1b[31m"


@pytest.mark.parametrize(
    ("systems", "architectures", "reason"),
    [
        ((), (), ""),
        (("linux",), (), ""),
        (("macos",), (), "os is macos only"),
        (("linux", "macos"), (), ""),
        ((), ("amd64",), ""),
        ((), ("x86_64", "arm64"), ""),
        ((), ("aarch64",), "arch is arm64 only"),
        ((), ("arm64", "riscv64"), "arch is arm64 or riscv64 only"),
        (("macos",), ("arm64",), "os is macos only"),
    ],
)
def test_a_job_for_another_machine_says_which(
    systems: tuple[str, ...], architectures: tuple[str, ...], reason: str
) -> None:
    for machine in ("x86_64", "AMD64"):
        assert wrong_platform(systems, architectures, system="linux", architecture=machine) == (
            reason
        )


def test_an_architecture_has_one_name() -> None:
    assert canonical_architecture("aarch64") == canonical_architecture("arm64") == "arm64"
    assert canonical_architecture("AMD64") == canonical_architecture("x86_64") == "x86_64"
    assert canonical_architecture("alpha") == "alpha"
