"""What can go wrong with worktrees, as errors for people.

Pure: values only. Messages quote names through `shown`, so that a hostile one stays on its line.
"""

from __future__ import annotations

from bough.coordinator.errors import Ambiguous, BoughError, NotFound, UsageError


class InvalidBranchName(UsageError):
    """git allows no branch of that name."""

    code = "INVALID_BRANCH_NAME"


class BranchExists(BoughError):
    """The branch to be created exists already, here or on a remote."""

    code = "BRANCH_EXISTS"


class BranchConflict(BoughError):
    """The new branch cannot exist beside another one: `a` and `a/b`, or `Fix` and `fix`."""

    code = "BRANCH_CONFLICT"


class CheckedOut(BoughError):
    """The branch has a worktree already, and git allows one only."""

    code = "CHECKED_OUT"


class PathOccupied(BoughError):
    """Something lies where the worktree would go, or its folder cannot be made there."""

    code = "PATH_OCCUPIED"


class UnknownBase(NotFound):
    """Nothing that a branch could start from has that name."""

    code = "UNKNOWN_BASE"


class NoCommits(BoughError):
    """The repository has no commit yet, so there is nothing to check out."""

    code = "NO_COMMITS"


class CreationFailed(BoughError):
    """git could not create the worktree; nothing of it was left behind."""

    code = "CREATION_FAILED"


class UnknownTarget(NotFound):
    """No worktree or branch is meant by what was typed."""

    code = "UNKNOWN_TARGET"


class AmbiguousTarget(Ambiguous):
    """What was typed means several worktrees or branches."""

    code = "AMBIGUOUS_TARGET"


class RemovalRefused(BoughError):
    """The worktree may not go: something would be lost that was not said to be worth losing."""

    code = "REMOVAL_REFUSED"


class BranchMoved(BoughError):
    """The branch got new commits after it was looked at, so it was not deleted."""

    code = "BRANCH_MOVED"
