"""What is uncommitted or unfinished in a worktree.

Ignored files never count; untracked ones always do, whatever `status.showUntrackedFiles` says. The
index is not refreshed on disk: a look must not take the lock that a person's own git needs.
"""

from __future__ import annotations

import os

from bough.hooks.git import git
from bough.worktree.changes import Changes, counted


def read_changes(path: str, *, timeout: float = 30.0) -> Changes:
    """The uncommitted changes of the worktree at `path`. A folder of untracked files counts once,
    a rename as two files."""
    answer = git(
        *("--no-optional-locks", "status", "--porcelain=v2", "-z"),
        *("--untracked-files=normal", "--no-renames", "--ignore-submodules=none"),
        cwd=path,
        timeout=timeout,
    )
    return counted(answer.fields)


_OPERATIONS = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}


def paused_operation(git_dir: str) -> str | None:
    """What waits to be continued or aborted in the worktree with this git dir, as git calls it."""
    for name, operation in _OPERATIONS.items():
        if os.path.exists(f"{git_dir}/{name}"):
            return operation
    return None
