"""`--skip-hooks` and `BOUGH_SKIP`."""

from __future__ import annotations

import pytest

from bough.hooks.skipping import (
    Choice,
    not_chosen,
    skipped_jobs,
    split_selectors,
    unmatched_warning,
)

TAGS = {"lint": ["fast"], "build": ["slow"], "test": ["slow"], "a,b": [], "deploy": []}
NEEDS = {"lint": [], "build": [], "test": ["build"], "a,b": [], "deploy": ["test", "lint"]}


@pytest.mark.parametrize(
    ("values", "skipped"),
    [
        ([], {}),
        (["all"], dict.fromkeys(TAGS, "--skip-hooks all")),
        (["pre-push"], dict.fromkeys(TAGS, "--skip-hooks pre-push")),
        (["a,b"], {"a,b": "--skip-hooks a,b"}),
        (
            ["lint"],
            {
                "lint": "--skip-hooks lint",
                "deploy": "needs lint, which was skipped by --skip-hooks",
            },
        ),
        (
            ["build"],
            {
                "build": "--skip-hooks build",
                "test": "needs build, which was skipped by --skip-hooks",
                "deploy": "needs test, which was skipped by --skip-hooks",
            },
        ),
        (
            ["tag:slow"],
            {
                "build": "--skip-hooks tag:slow",
                "test": "--skip-hooks tag:slow",
                "deploy": "needs test, which was skipped by --skip-hooks",
            },
        ),
        (
            ["test, deploy", "test"],
            {"test": "--skip-hooks test", "deploy": "--skip-hooks deploy"},
        ),
    ],
)
def test_a_selector_leaves_out_what_it_means_and_what_needs_that(
    values: list[str], skipped: dict[str, str]
) -> None:
    outcome = skipped_jobs(values, "pre-push", TAGS, NEEDS)
    assert outcome.reasons == skipped
    assert outcome.unmatched == ()


def test_selectors_without_a_job_are_given_back() -> None:
    outcome = skipped_jobs(["lin,tag:no", "worktree-pre-create"], "pre-push", TAGS, NEEDS)
    assert outcome.reasons == {}
    assert outcome.unmatched == ("lin", "tag:no", "worktree-pre-create")
    assert unmatched_warning("li\nn") == r"--skip-hooks li\nn: no event, tag or job has this name"


def test_all_and_the_event_match_even_an_event_without_jobs() -> None:
    assert skipped_jobs(["all", "pre-push"], "pre-push", {}, {}).unmatched == ()


def test_a_job_called_like_a_tag_selector_can_be_meant() -> None:
    outcome = skipped_jobs(["tag:x"], "e", {"tag:x": [], "b": ["x"]}, {"tag:x": [], "b": []})
    assert set(outcome.reasons) == {"tag:x", "b"}


def test_lists_are_split_at_commas_but_for_names_that_have_some() -> None:
    assert split_selectors(["a, b,,", "c,d", "a"], frozenset({"c,d"})) == ("a", "b", "c,d")


@pytest.mark.parametrize(
    ("choice", "left_out", "reason"),
    [
        (Choice(), set(), ""),
        (Choice(jobs=("test",)), {"lint", "a,b", "deploy"}, "not chosen by --job"),
        (Choice(tags=("fast",)), {"build", "test", "a,b", "deploy"}, "not chosen by --tag"),
        (Choice(jobs=("a,b",), tags=("slow",)), {"lint", "deploy"}, "not chosen by --job or --tag"),
        (Choice(jobs=("deploy",)), {"a,b"}, "not chosen by --job"),
    ],
)
def test_a_choice_leaves_its_jobs_and_what_they_need(
    choice: Choice, left_out: set[str], reason: str
) -> None:
    assert not_chosen(choice, TAGS, NEEDS) == dict.fromkeys(left_out, reason)
