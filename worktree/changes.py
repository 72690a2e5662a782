"""What is uncommitted in a worktree, counted.

Pure: from what git prints to numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
