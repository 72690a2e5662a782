"""Uncommitted changes and paused operations of a worktree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.git import GitError
from bough.hooks.repository import discover
from bough.worktree.changes import Changes
from bough.worktree.status import paused_operation, read_changes
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]


def test_a_worktree_is_read_with_real_git(git_repo: MakeRepo) -> None:
    repo = git_repo({"a": "1", "b": "1", "gone": "1", ".gitignore": "ignored\n"})
    assert read_changes(str(repo.path)).clean
    repo.write(
        {"a": "2", "b": "2", "new\nfile": "x", "ignored": "x", "folder/x": "1", "folder/y": "2"}
    )
    repo.git("add", "a").ok()
    repo.git("mv", "gone", "moved").ok()
    expected = Changes(staged=3, unstaged=1, untracked=2)
    assert read_changes(str(repo.path)) == expected
    repo.git("config", "status.showUntrackedFiles", "no").ok()
    repo.git("config", "status.renames", "copies").ok()
    assert read_changes(str(repo.path)) == expected


def test_looking_takes_no_lock(git_repo: MakeRepo) -> None:
    repo = git_repo()
    (repo.path / ".git/index.lock").touch()
    assert read_changes(str(repo.path)).clean


def test_a_folder_that_is_no_worktree_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        read_changes(str(tmp_path))


@pytest.mark.parametrize(
    ("begin", "operation"),
    [
        (["merge", "other"], "merge"),
        (["rebase", "other"], "rebase"),
        (["rebase", "--apply", "other"], "rebase"),
        (["cherry-pick", "other"], "cherry-pick"),
        (["revert", "--no-edit", "HEAD~1"], "revert"),
        (["bisect", "start"], "bisect"),
    ],
)
def test_a_paused_operation_is_named(
    git_repo: MakeRepo, tmp_path: Path, begin: list[str], operation: str
) -> None:
    repo = git_repo({"f": "1\n"})
    repo.branch("other", {"f": "other\n"})
    repo.commit({"f": "2\n"})
    repo.commit({"f": "3\n"})
    linked = repo.worktree(tmp_path / "w", "w")
    git_dir = discover(str(linked.path)).git_dir
    assert paused_operation(git_dir) is None
    linked.git(*begin)
    assert paused_operation(git_dir) == operation
    assert paused_operation(discover(str(repo.path)).git_dir) is None


def test_applying_mail_is_named(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo({"f": "1\n"})
    repo.branch("other", {"f": "other\n"})
    (tmp_path / "patch").write_text(repo.git("format-patch", "--stdout", "main..other").ok().stdout)
    repo.commit({"f": "2\n"})
    repo.git("am", tmp_path / "patch")
    assert paused_operation(str(repo.path / ".git")) == "am"
