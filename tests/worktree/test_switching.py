"""What a target of `go` means, with real git."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.repository import Repository, discover, worktrees
from bough.worktree.errors import AmbiguousTarget, UnknownTarget
from bough.worktree.switching import (
    Destination,
    previous,
    remember,
    resolve_target,
    resolve_worktree,
    worktree_of,
)
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]


def seen(repo: Repo) -> Repository:
    return discover(str(repo.path))


def meant(repo: Repo, target: str, cwd: Path | None = None) -> Destination:
    return resolve_target(seen(repo), target, cwd=str(cwd or repo.path))


def meant_path(repo: Repo, target: str, cwd: Path | None = None) -> str:
    entry = meant(repo, target, cwd).entry
    assert entry is not None
    return entry.path


@pytest.fixture
def repo(git_repo: MakeRepo) -> Repo:
    return git_repo({"docs/page": "1", "README.md": "x"})


def test_a_checked_out_branch_is_its_worktree(repo: Repo, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "w", "feature/x")
    assert meant_path(repo, "feature/x") == str(linked.path)
    assert meant_path(linked, "main") == str(repo.path)


def test_a_path_to_a_worktree_means_it(repo: Repo, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "w", "x")
    (linked.path / "sub").mkdir()
    (tmp_path / "link").symlink_to(linked.path)
    for target in (str(linked.path), f"{linked.path}/sub", "../w", "../w/sub/", "../link/sub"):
        assert meant_path(repo, target) == str(linked.path), target
    assert meant_path(repo, "w", cwd=tmp_path) == str(linked.path)
    assert meant_path(linked, ".", cwd=linked.path / "sub") == str(linked.path)


def test_a_path_that_is_gone_still_means_its_worktree(repo: Repo, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "w", "x")
    shutil.rmtree(linked.path)
    assert resolve_worktree(seen(repo), str(linked.path), cwd="/").path == str(linked.path)


def test_the_innermost_of_nested_worktrees_is_meant(repo: Repo) -> None:
    inner = repo.worktree(".worktrees/x", "x")
    entries = worktrees(seen(repo))
    assert worktree_of(entries, str(inner.path)) == entries[1]
    assert worktree_of(entries, str(repo.path / "docs")) == entries[0]
    assert worktree_of(entries, "/") is None


def test_a_branch_beats_a_folder_of_the_same_name(repo: Repo) -> None:
    repo.branch("docs")
    assert meant(repo, "docs") == Destination(entry=None, branch="docs")
    assert meant_path(repo, "./docs") == str(repo.path)


def test_a_folder_in_the_current_one_is_not_meant_by_its_name(repo: Repo) -> None:
    with pytest.raises(UnknownTarget):
        meant(repo, "docs")


def test_a_worktree_is_known_by_its_folders_name(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "try it").ok()
    path = os.path.realpath(tmp_path / "try it")
    assert meant_path(repo, "try it") == path
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "b/try it").ok()
    with pytest.raises(AmbiguousTarget, match="several worktrees lie in a folder called try it"):
        meant(repo, "try it")


def test_a_branch_of_one_remote_is_to_be_followed(repo: Repo, tmp_path: Path) -> None:
    repo.branch("team/work")
    repo.with_origin(tmp_path / "origin.git")
    repo.git("branch", "-D", "team/work").ok()
    expected = Destination(entry=None, branch="team/work", track="origin/team/work")
    assert meant(repo, "team/work") == expected
    assert meant(repo, "origin/team/work") == expected


def test_a_remote_branch_that_is_here_already_means_the_local_one(
    repo: Repo, tmp_path: Path
) -> None:
    repo.branch("x")
    repo.with_origin(tmp_path / "origin.git")
    assert meant(repo, "origin/x") == Destination(entry=None, branch="x")
    linked = repo.worktree(tmp_path / "w", "y")
    repo.git("push", "--quiet", "origin", "y").ok()
    assert meant_path(repo, "origin/y") == str(linked.path)


def test_a_branch_of_several_remotes_is_ambiguous(repo: Repo, tmp_path: Path) -> None:
    repo.branch("x")
    repo.with_origin(tmp_path / "origin.git")
    repo.git("remote", "add", "a/b", tmp_path / "origin.git").ok()
    repo.git("fetch", "--quiet", "--all").ok()
    repo.git("branch", "-D", "x").ok()
    with pytest.raises(AmbiguousTarget, match=r"several remotes: .*origin/x"):
        meant(repo, "x")
    assert meant(repo, "a/b/x") == Destination(entry=None, branch="x", track="a/b/x")


def test_what_is_unknown_is_said_with_what_is_near(repo: Repo) -> None:
    repo.branch("feature/login")
    with pytest.raises(UnknownTarget, match="no worktree or branch 'feature/logn'") as error:
        meant(repo, "feature/logn")
    assert error.value.hint == "Did you mean feature/login?"
    for target in ("-rf", "$(touch pwned)", "a\nb", "", "../nowhere", "/nowhere"):
        with pytest.raises(UnknownTarget) as refused:
            meant(repo, target)
        assert "\n" not in refused.value.message


def test_a_removal_means_only_what_exists(repo: Repo, tmp_path: Path) -> None:
    repo.branch("lonely")
    linked = repo.worktree(tmp_path / "w", "x")
    assert resolve_worktree(seen(repo), "x", cwd="/").path == str(linked.path)
    with pytest.raises(UnknownTarget):
        resolve_worktree(seen(repo), "lonely", cwd="/")


def test_the_way_back_is_remembered_for_the_whole_repository(repo: Repo, tmp_path: Path) -> None:
    linked = repo.worktree(tmp_path / "new\nline", "x")
    assert previous(seen(repo)) is None
    remember(seen(linked), str(linked.path))
    assert previous(seen(repo)) == str(linked.path)
    assert meant_path(repo, "-") == str(linked.path)
    remember(seen(repo), str(repo.path))
    assert meant_path(linked, "-") == str(repo.path)


def test_a_way_back_that_leads_nowhere_is_said(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(UnknownTarget, match="you have not left one"):
        meant(repo, "-")
    linked = repo.worktree(tmp_path / "w", "x")
    remember(seen(repo), str(linked.path))
    repo.git("worktree", "remove", linked.path).ok()
    with pytest.raises(UnknownTarget, match="is gone"):
        meant(repo, "-")


def test_a_bare_repository_is_no_worktree_to_go_to(repo: Repo, tmp_path: Path) -> None:
    Repo(path=tmp_path).git("clone", "--quiet", "--bare", repo.path, "b.git").ok()
    bare = Repo(path=tmp_path / "b.git")
    with pytest.raises(UnknownTarget):
        meant(bare, "b.git", cwd=tmp_path)
    with pytest.raises(UnknownTarget):
        meant(bare, ".")
