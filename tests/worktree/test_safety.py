"""The verdict about a removal, over facts alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.worktree.changes import Changes
from bough.worktree.safety import Evidence, Facts, Proof, Reason, Wishes, verdict

MERGED = Evidence(proof=Proof.ANCESTOR, against="main")
GOOD = Facts(path="/w t", branch="x", tip="a" * 40, changes=Changes(), evidence=MERGED)
NOTHING = Wishes()


def reasons(facts: Facts, wishes: Wishes) -> list[Reason]:
    return [refusal.reason for refusal in verdict(facts, wishes).refusals]


def test_a_clean_and_merged_worktree_goes_with_its_branch() -> None:
    judged = verdict(GOOD, NOTHING)
    assert judged.safe
    assert judged.deletes_branch
    assert not judged.force


FLAGS = ("force", "force_branch", "keep_branch", "from_inside")


@pytest.mark.parametrize(
    ("changed", "reason", "overruled_by"),
    [
        ({"is_main": True}, Reason.MAIN, set()),
        ({"locked": ""}, Reason.LOCKED, set()),
        ({"locked": "usb stick"}, Reason.LOCKED, set()),
        ({"standing": True}, Reason.STANDING, {"from_inside"}),
        ({"paused": "rebase"}, Reason.PAUSED, {"force"}),
        ({"changes": Changes(untracked=1)}, Reason.DIRTY, {"force"}),
        ({"changes": None}, Reason.DIRTY, {"force"}),
        ({"evidence": None}, Reason.NOT_INTEGRATED, {"force_branch", "keep_branch"}),
        ({"evidence": None, "branch": None}, Reason.NOT_INTEGRATED, {"force_branch"}),
        ({"elsewhere": "/other"}, Reason.CHECKED_OUT, {"keep_branch"}),
    ],
)
def test_each_reason_stands_until_its_own_wish_overrules_it(
    changed: dict[str, object], reason: Reason, overruled_by: set[str]
) -> None:
    facts = replace(GOOD, **changed)  # type: ignore[arg-type]  # a table of fields
    assert reasons(facts, NOTHING) == [reason]
    assert verdict(facts, NOTHING).refusals[0].hint
    for flag in FLAGS:
        expected = [] if flag in overruled_by else [reason]
        assert reasons(facts, Wishes(**{flag: True})) == expected, flag


def test_all_reasons_are_listed_together() -> None:
    facts = replace(GOOD, standing=True, changes=Changes(staged=1), evidence=None, locked="x")
    assert reasons(facts, NOTHING) == [
        Reason.LOCKED,
        Reason.STANDING,
        Reason.DIRTY,
        Reason.NOT_INTEGRATED,
    ]


@pytest.mark.parametrize(
    ("facts", "wishes"),
    [
        (replace(GOOD, default=True, evidence=None), NOTHING),
        (GOOD, Wishes(keep_branch=True)),
        (replace(GOOD, tip=None), NOTHING),
        (replace(GOOD, branch=None), NOTHING),
        (replace(GOOD, default=True), Wishes(force_branch=True)),
    ],
)
def test_some_branches_are_never_deleted(facts: Facts, wishes: Wishes) -> None:
    judged = verdict(facts, wishes)
    assert judged.safe
    assert not judged.deletes_branch


def test_what_is_gone_already_cannot_be_dirty() -> None:
    assert verdict(replace(GOOD, missing=True, changes=None, paused="merge"), NOTHING).safe


def test_a_commit_that_only_a_detached_worktree_holds_is_told_with_the_way_to_keep_it() -> None:
    (refusal,) = verdict(replace(GOOD, branch=None, evidence=None), NOTHING).refusals
    assert f"git branch NAME {'a' * 40}" in refusal.hint


def test_the_words_say_what_and_against_what() -> None:
    facts = replace(
        GOOD,
        locked="on a\nstick",
        changes=Changes(staged=2),
        evidence=None,
        compared=("main", "origin/main"),
    )
    locked, dirty, unmerged = verdict(facts, NOTHING).refusals
    assert locked.message == "it is locked: on a\\nstick"
    assert locked.hint == "git worktree unlock '/w t'"
    assert dirty.message == "it is not clean (2 staged)"
    assert unmerged.message == "the branch x has commits that are not in main or origin/main"


@pytest.mark.parametrize("proof", list(Proof))
def test_every_proof_can_be_told(proof: Proof) -> None:
    told = str(Evidence(proof=proof, against="main\n"))
    assert "\n" not in told
    assert ("main" in told) == (proof is not Proof.NO_COMMITS)


def facts() -> st.SearchStrategy[Facts]:
    changes = st.none() | st.builds(Changes, staged=st.integers(0, 1), untracked=st.integers(0, 1))
    return st.builds(
        Facts,
        path=st.just("/w"),
        branch=st.sampled_from([None, "x"]),
        tip=st.sampled_from([None, "a" * 40]),
        is_main=st.booleans(),
        locked=st.sampled_from([None, "", "why"]),
        missing=st.booleans(),
        standing=st.booleans(),
        default=st.booleans(),
        elsewhere=st.sampled_from([None, "/other"]),
        changes=changes,
        paused=st.sampled_from([None, "merge"]),
        evidence=st.sampled_from([None, MERGED]),
    )


def wishes() -> st.SearchStrategy[Wishes]:
    return st.builds(Wishes, **{flag: st.booleans() for flag in FLAGS})


@given(facts(), wishes())
def test_nothing_is_lost_that_was_not_said_to_be_worth_losing(fact: Facts, wish: Wishes) -> None:
    judged = verdict(fact, wish)
    if not judged.safe:
        return
    assert not fact.is_main
    assert fact.locked is None
    assert fact.missing or wish.force or (fact.changes is not None and fact.changes.clean)
    if judged.deletes_branch:
        assert fact.branch is not None
        assert not wish.keep_branch
        assert not fact.default
        assert fact.elsewhere is None
        assert fact.evidence is not None or wish.force_branch
    if fact.branch is None and fact.tip is not None:
        assert fact.evidence is not None or wish.force_branch


@given(facts(), wishes())
def test_asking_for_more_never_makes_a_removal_less_allowed(fact: Facts, wish: Wishes) -> None:
    if verdict(fact, wish).safe:
        assert verdict(fact, replace(wish, force=True, force_branch=True, from_inside=True)).safe
