"""What cannot be created, with real git: refused before anything is touched."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.coordinator.errors import Exit, UsageError
from bough.worktree.errors import (
    BranchConflict,
    BranchExists,
    CheckedOut,
    InvalidBranchName,
    NoCommits,
    PathOccupied,
    UnknownBase,
)
from tests.support.commands import run
from tests.support.repos import Repo, write_files
from tests.support.users import as_unprivileged_user
from tests.worktree.creating import existing, new, state

MakeRepo = Callable[..., Repo]


@pytest.mark.parametrize(
    "name",
    [
        *("-rf", "--help", "-", "", "a b", "a..b", "a~1", "x.lock", "/a", "a/", ".a", "@", "HEAD"),
        *("@{-1}", "a\nb", "a\0b", "a\\b", "a:b", "a/.b", "../../x", "*"),
    ],
)
def test_a_name_that_git_does_not_allow(git_repo: MakeRepo, name: str) -> None:
    repo = git_repo()
    repo.git("switch", "--quiet", "-c", "before").ok()
    repo.git("switch", "--quiet", "main").ok()
    before = state(repo)
    with pytest.raises(InvalidBranchName) as error:
        new(repo, name)
    assert error.value.exit == Exit.USAGE
    assert error.value.hint
    assert "\n" not in error.value.message
    assert state(repo) == before


def test_a_branch_that_exists(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.branch("it's")
    with pytest.raises(BranchExists, match=r"^the branch it's exists already$") as error:
        new(repo, "it's")
    assert error.value.hint == "bough go " + shlex.quote("it's")
    linked = repo.worktree(tmp_path / "w", "x")
    with pytest.raises(BranchExists, match=f"exists already, checked out at {linked.path}"):
        new(repo, "x")


def test_a_branch_that_exists_on_a_remote_only_unless_a_base_is_given(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    repo.branch("work")
    repo.with_origin(tmp_path / "origin.git")
    repo.git("remote", "rename", "origin", "team/hub").ok()
    repo.git("branch", "-D", "work").ok()
    with pytest.raises(BranchExists, match="exists already as team/hub/work") as error:
        new(repo, "work")
    assert "bough go work" in error.value.hint
    assert new(repo, "work", "main").base == "main"
    assert new(repo, "hub/work").new_branch


@pytest.mark.parametrize(
    ("have", "wanted"), [("a", "a/b"), ("a/b", "a"), ("Fix", "fix"), ("ÉTÉ", "été")]
)
def test_a_branch_that_cannot_exist_beside_another(
    git_repo: MakeRepo, have: str, wanted: str
) -> None:
    repo = git_repo()
    repo.branch(have)
    with pytest.raises(BranchConflict) as error:
        new(repo, wanted)
    assert have in error.value.message


def test_a_branch_that_is_checked_out_elsewhere(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "a b", "x")
    with pytest.raises(CheckedOut, match=f"is checked out at {linked.path}") as error:
        existing(repo, "x")
    assert error.value.hint == f"cd '{linked.path}'"


def test_a_branch_that_is_being_rebased_elsewhere(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo({"f": "1\n"})
    repo.branch("x", {"f": "2\n"})
    repo.commit({"f": "3\n"})
    linked = Repo(path=tmp_path / "w")
    repo.git("worktree", "add", "--quiet", linked.path, "x").ok()
    linked.git("rebase", "main")
    assert linked.git("symbolic-ref", "HEAD").returncode != 0
    with pytest.raises(CheckedOut, match=str(linked.path)):
        existing(repo, "x")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_text("x"), "a file lies there"),
        (lambda path: write_files(path, {"f": "x"}), "a folder that is not empty"),
        (lambda path: path.symlink_to("nowhere"), "a symbolic link"),
        (os.mkfifo, "a file lies there"),
    ],
)
def test_a_path_where_something_lies(
    git_repo: MakeRepo, make: Callable[[Path], object], why: str
) -> None:
    repo = git_repo()
    make(Path(f"{repo.path}.x"))
    before = state(repo)
    with pytest.raises(PathOccupied, match=why) as error:
        new(repo, "x")
    assert f"{repo.path}.x" in error.value.message
    assert state(repo) == before


def test_a_path_that_is_another_branchs_worktree(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.worktree(f"{repo.path}.x", "other")
    with pytest.raises(PathOccupied, match="is already the worktree of other"):
        new(repo, "x")


def test_a_path_that_git_still_remembers(git_repo: MakeRepo) -> None:
    repo = git_repo()
    shutil.rmtree(repo.worktree(f"{repo.path}.x", "other").path)
    with pytest.raises(PathOccupied, match="but the folder is gone") as error:
        new(repo, "x")
    assert "git worktree prune" in error.value.hint


def test_a_path_below_a_file(git_repo: MakeRepo) -> None:
    repo = git_repo()
    Path(repo.path.parent, "file").write_text("x")
    with pytest.raises(PathOccupied, match="file is not a folder that you can write"):
        new(repo, "x", layout="../file/deep/{branch_slug}")


def test_a_path_in_a_folder_that_may_not_be_written(git_repo: MakeRepo) -> None:
    repo = git_repo()
    closed = repo.path.parent / "closed"
    closed.mkdir(mode=0o500)

    def refusal() -> str:
        with pytest.raises(PathOccupied) as error:
            new(repo, "x", layout="../closed/deep/{branch_slug}")
        return error.value.message

    assert f"{closed} is not a folder that you can write" in as_unprivileged_user(refusal)


def test_folders_that_would_differ_only_by_case(git_repo: MakeRepo) -> None:
    repo = git_repo()
    Path(repo.path.parent, "trees/Fix").mkdir(parents=True)
    with pytest.raises(PathOccupied, match="only by case"):
        new(repo, "fix", layout="../trees/{branch}")


def test_a_base_that_is_none(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("feature/login")
    with pytest.raises(UnknownBase, match="no branch or commit 'featur/login'") as error:
        new(repo, "x", "featur/login")
    assert error.value.hint == "Did you mean feature/login?"
    with pytest.raises(UnknownBase):
        new(repo, "x", "-rf")
    with pytest.raises(UnknownBase):
        existing(repo, "none")
    with pytest.raises(UnknownBase):
        existing(repo, "none", track="origin/none")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path / "r"]).ok()
    with pytest.raises(NoCommits) as error:
        new(Repo(path=tmp_path / "r"), "x")
    assert "git commit" in error.value.hint


def test_a_layout_that_does_not_exist(git_repo: MakeRepo) -> None:
    with pytest.raises(UsageError, match="no layout"):
        new(git_repo(), "x", layout="none")
