"""Which events exist, which of them are gates, and what a failing hook does by default.

Pure: tables and their lookups. Imports nothing but enum, because the git-hook entry comes through
here. Git's own `post-merge` is called `git-post-merge`: the bare word is kept for bough's merge.
"""

from __future__ import annotations

from enum import StrEnum


class FailMode(StrEnum):
    """What a failed job means for the operation that fired its event."""

    ABORT = "abort"
    WARN = "warn"


POST_CLONE = "post-clone"
PRE_CREATE = "worktree-pre-create"
POST_CREATE = "worktree-post-create"
PRE_REMOVE = "worktree-pre-remove"
POST_REMOVE = "worktree-post-remove"
POST_MOVE = "worktree-post-move"
POST_SWITCH = "worktree-post-switch"

WORKTREE_EVENTS = (
    POST_CLONE,
    PRE_CREATE,
    POST_CREATE,
    PRE_REMOVE,
    POST_REMOVE,
    POST_MOVE,
    POST_SWITCH,
)
"""The events that bough itself fires."""

GIT_HOOKS = (
    "applypatch-msg",
    "commit-msg",
    "p4-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "p4-prepare-changelist",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
    "reference-transaction",
    "sendemail-validate",
)
"""The hooks that git runs in a client's repository, by git's names."""

GIT_POST_MERGE = "git-post-merge"

RESERVED = ("merge", "pre-merge", "post-merge")
"""Words of a later bough; refused instead of ignored, as keys and as events."""

TASK_PREFIX = "task:"
"""A task's event is this and the task's name."""

_WARNING_EVENTS = frozenset({POST_REMOVE, POST_MOVE, POST_SWITCH, POST_CLONE})


def event_of_git_hook(hook: str) -> str:
    """The event that stands for git's hook of this name."""
    return GIT_POST_MERGE if hook == "post-merge" else hook


def git_hook_of_event(event: str) -> str | None:
    """Git's name for this event, None for an event that git does not fire."""
    if event == GIT_POST_MERGE:
        return "post-merge"
    return event if event in GIT_HOOKS and event not in RESERVED else None


EVENTS = (*WORKTREE_EVENTS, *(event_of_git_hook(hook) for hook in GIT_HOOKS))
"""Every event that a hook can be declared for."""


def is_gate(event: str) -> bool:
    """Whether the event asks before something happens, so that its jobs must be waited for."""
    return event.startswith(("pre-", "worktree-pre-"))


def default_fail_mode(event: str) -> FailMode:
    """What a failure means where neither the hook nor git config says it.

    For git's own hooks `abort` is git's rule: a status other than 0 stops what git lets a hook
    stop.
    """
    return FailMode.WARN if event in _WARNING_EVENTS else FailMode.ABORT
