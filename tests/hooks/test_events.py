"""The tables of events."""

from __future__ import annotations

import pytest

from bough.hooks.events import (
    EVENTS,
    GIT_HOOKS,
    RESERVED,
    WORKTREE_EVENTS,
    FailMode,
    default_fail_mode,
    event_of_git_hook,
    git_hook_of_event,
    is_gate,
)


@pytest.mark.parametrize(
    ("event", "gate", "mode"),
    [
        ("worktree-pre-create", True, FailMode.ABORT),
        ("worktree-post-create", False, FailMode.ABORT),
        ("worktree-pre-remove", True, FailMode.ABORT),
        ("worktree-post-remove", False, FailMode.WARN),
        ("worktree-post-move", False, FailMode.WARN),
        ("worktree-post-switch", False, FailMode.WARN),
        ("post-clone", False, FailMode.WARN),
        ("pre-commit", True, FailMode.ABORT),
        ("pre-push", True, FailMode.ABORT),
        ("commit-msg", False, FailMode.ABORT),
        ("git-post-merge", False, FailMode.ABORT),
        ("task:pre-commit", False, FailMode.ABORT),
    ],
)
def test_gates_and_default_fail_modes_are_those_of_the_table(
    event: str, gate: bool, mode: FailMode
) -> None:
    assert is_gate(event) is gate
    assert default_fail_mode(event) is mode


def test_gits_post_merge_is_the_only_hook_that_goes_by_another_name() -> None:
    assert event_of_git_hook("post-merge") == "git-post-merge"
    assert git_hook_of_event("git-post-merge") == "post-merge"
    assert git_hook_of_event("post-merge") is None
    for hook in set(GIT_HOOKS) - {"post-merge"}:
        assert event_of_git_hook(hook) == hook
        assert git_hook_of_event(hook) == hook


def test_no_event_is_reserved_and_boughs_own_events_are_no_git_hooks() -> None:
    assert set(EVENTS).isdisjoint(RESERVED)
    assert len(set(EVENTS)) == len(EVENTS)
    assert {git_hook_of_event(event) for event in WORKTREE_EVENTS} == {None}
