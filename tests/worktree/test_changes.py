"""Counting what git status prints."""

from __future__ import annotations

import pytest

from bough.worktree.changes import Changes, counted


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], Changes()),
        (["1 M. N... 100644 100644 100644 a b f"], Changes(staged=1)),
        (["1 .M N... 100644 100644 100644 a b f"], Changes(unstaged=1)),
        (["1 MD N... 100644 100644 000000 a b f"], Changes(staged=1, unstaged=1)),
        (["u UU N... 1 2 3 4 a b c f"], Changes(conflicts=1)),
        (["? 1 M. fake", "? u", "! ignored"], Changes(untracked=2)),
    ],
)
def test_entries_of_git_status_are_counted(entries: list[str], expected: Changes) -> None:
    assert counted(entries) == expected
    assert expected.clean == (expected == Changes())


def test_changes_are_told_in_words() -> None:
    assert str(Changes(staged=1, untracked=2)) == "1 staged, 2 untracked"
    assert str(Changes(conflicts=3, unstaged=1)) == "3 with conflicts, 1 changed"
    assert str(Changes()) == "clean"
