"""What is uncommitted or unfinished in a worktree.

Ignored files never count; untracked ones always do, whatever `status.showUntrackedFiles` says. The
index is not refreshed on disk: a look must not take the lock that a person's own git needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from bough.hooks.git import git


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Files by what is uncommitted about them; one may count as staged and as unstaged."""

    staged: int = 0
    unstaged: int = 0
    untracked: int = 0
    conflicts: int = 0

    @property
    def clean(self) -> bool:
        return not (self.staged or self.unstaged or self.untracked or self.conflicts)

    def __str__(self) -> str:
        counts = (
            (self.conflicts, "with conflicts"),
            (self.staged, "staged"),
            (self.unstaged, "changed"),
            (self.untracked, "untracked"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count) or "clean"


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


def counted(entries: Iterable[str]) -> Changes:
    """`entries` of `git status --porcelain=v2 -z --no-renames`, added up."""
    staged = unstaged = untracked = conflicts = 0
    for entry in entries:
        match entry[:1]:
            case "1":
                staged += entry[2] != "."
                unstaged += entry[3] != "."
            case "u":
                conflicts += 1
            case "?":
                untracked += 1
    return Changes(staged=staged, unstaged=unstaged, untracked=untracked, conflicts=conflicts)


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
