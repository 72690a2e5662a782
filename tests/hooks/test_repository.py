"""Finding a repository, its worktrees, branches and configuration, with real git."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.git import GitError
from bough.hooks.repository import (
    NoFolder,
    NotARepository,
    Repository,
    admin_dir,
    commit_of,
    current_branch,
    current_folder,
    default_branch,
    discover,
    folder,
    head_commit,
    is_merging,
    is_rebasing,
    main_path,
    read_config,
    repo_name,
    worktrees,
)
from tests.support.commands import run
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]

HOSTILE = [
    "plain",
    "with space",
    "quote'\"$(touch pwned)`",
    "new\nline",
    "\nleading",
    "trailing\n",
    "--bough-separator",
    "-rf",
    "caf\udce9",
    "日本",
]


def seen(path: Path | str) -> Repository:
    return discover(str(path))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_repository_is_found_in_a_folder_of_any_name(git_repo: MakeRepo, name: str) -> None:
    repo = git_repo({"sub/file": "x"}, name=name)
    found = seen(repo.path / "sub")
    assert found == Repository(
        common_dir=f"{repo.path}/.git", git_dir=f"{repo.path}/.git", top=str(repo.path), bare=False
    )
    assert not found.linked


@pytest.mark.parametrize("name", HOSTILE)
def test_worktrees_of_any_name_are_listed_with_their_admin_folder(
    git_repo: MakeRepo, tmp_path: Path, name: str
) -> None:
    repo = git_repo()
    path = f"{os.path.realpath(tmp_path)}/{name}"
    repo.git("worktree", "add", "--", path).ok() if name == "plain" else repo.git(
        "worktree", "add", "-b", "other", "--", path
    ).ok()
    main, linked = worktrees(seen(repo.path))
    assert (main.path, main.is_main, main.admin_id) == (str(repo.path), True, "")
    assert (linked.path, linked.is_main) == (path, False)
    admin = admin_dir(seen(repo.path), linked)
    assert Path(admin, "gitdir").read_bytes() == os.fsencode(f"{path}/.git\n")
    assert seen(path).git_dir == admin


def test_inside_the_git_folder_there_is_a_repository_without_a_top(git_repo: MakeRepo) -> None:
    repo = git_repo()
    for inside in (repo.path / ".git", repo.path / ".git/refs"):
        found = seen(inside)
        assert (found.top, found.bare) == (None, False)
        assert folder(found) == str(repo.path)


def test_a_linked_worktree_knows_the_repository(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "w", "feature")
    found = seen(linked.path)
    assert found.linked
    assert found.common_dir == f"{repo.path}/.git"
    assert found.git_dir == f"{repo.path}/.git/worktrees/w"
    assert (folder(found), main_path(found), repo_name(found)) == (
        str(repo.path),
        str(repo.path),
        "repo",
    )


def test_links_on_the_way_are_resolved(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    (tmp_path / "link").symlink_to(repo.path)
    assert seen(tmp_path / "link") == seen(repo.path)


@pytest.mark.parametrize(("name", "around"), [("project.git", False), (".git", True)])
def test_a_bare_repository_and_its_worktrees(
    git_repo: MakeRepo, tmp_path: Path, name: str, around: bool
) -> None:
    origin = git_repo()
    bare = Path(os.path.realpath(tmp_path)) / "project" / name
    run(["git", "clone", "--quiet", "--bare", origin.path, bare]).ok()
    found = seen(bare)
    expected = str(bare.parent if around else bare)
    assert (found.bare, found.top, folder(found)) == (True, None, expected)
    assert repo_name(found) == "project"
    assert main_path(found) == expected
    assert default_branch(found) == "main"

    Repo(path=bare).git("worktree", "add", "--quiet", tmp_path / "m", "main").ok()
    linked = seen(tmp_path / "m")
    assert linked.bare
    assert folder(linked) == expected
    assert main_path(linked) == os.path.realpath(tmp_path / "m")
    entries = worktrees(linked)
    assert [(entry.bare, entry.detached, entry.branch) for entry in entries] == [
        (True, False, None),
        (False, False, "main"),
    ]


def test_a_submodule_is_a_repository_with_a_folder_of_its_own(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    inner, outer = git_repo(name="inner"), git_repo(name="outer")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    outer.git(*add, inner.path, "sub").ok()
    sub = Repo(path=outer.path / "sub")
    linked = sub.worktree(tmp_path / "linked", "x")
    for place in (sub.path, linked.path):
        found = seen(place)
        assert found.common_dir == f"{outer.path}/.git/modules/sub"
        assert folder(found) == str(sub.path)
        assert worktrees(found)[0].path == str(sub.path)


def test_a_separate_git_dir_is_a_repository(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", f"--separate-git-dir={tmp_path}/elsewhere", tmp_path / "r"]).ok()
    found = seen(tmp_path / "r")
    assert folder(found) == os.path.realpath(tmp_path / "r")
    assert found.common_dir == os.path.realpath(tmp_path / "elsewhere")


def test_no_repository_is_said_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="is not in a git repository") as error:
        seen(tmp_path)
    assert "git init" in error.value.hint


def test_a_worktree_whose_repository_moved_away_is_said(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "w", "w")
    shutil.rmtree(repo.path / ".git/worktrees")
    with pytest.raises(NotARepository, match=r"whose folder .*/worktrees/w is gone") as error:
        seen(linked.path)
    assert "git worktree repair" in error.value.hint


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoFolder, match="does not exist"):
        seen(tmp_path / "none")


def test_a_current_folder_that_was_removed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert current_folder() == os.path.realpath(gone)
    gone.rmdir()
    with pytest.raises(NoFolder, match="does not exist any more") as error:
        current_folder()
    assert "cd" in error.value.hint


def test_a_foreign_owner_is_said_with_gits_remedy(
    git_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitError, match="dubious ownership") as error:
        seen(repo.path)
    assert error.value.hint.endswith(f"git config --global --add safe.directory {repo.path}")


def test_states_of_worktrees_are_told_apart(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    head = repo.out("rev-parse", "HEAD")
    repo.git("worktree", "add", "--detach", tmp_path / "detached").ok()
    repo.worktree(tmp_path / "locked", "locked")
    repo.git("worktree", "lock", "--reason", "a\nreason", tmp_path / "locked").ok()
    repo.worktree(tmp_path / "bolted", "bolted")
    repo.git("worktree", "lock", tmp_path / "bolted").ok()
    shutil.rmtree(repo.worktree(tmp_path / "gone", "gone").path)
    found = {entry.branch or "": entry for entry in worktrees(seen(repo.path))}
    assert found[""].detached
    assert found[""].head == head
    assert found["locked"].locked is not None
    assert "reason" in found["locked"].locked
    assert found["bolted"].locked == ""
    assert found["gone"].prunable
    assert (found["main"].locked, found["main"].prunable, found["main"].detached) == (
        None,
        None,
        False,
    )


def test_a_worktree_that_moved_keeps_its_admin_folder(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.worktree(tmp_path / "before", "x")
    repo.git("worktree", "move", tmp_path / "before", tmp_path / "after").ok()
    moved = worktrees(seen(repo.path))[1]
    assert (os.path.basename(moved.path), moved.admin_id) == ("after", "before")


def test_a_worktree_that_is_linked_by_relative_paths_has_its_admin_folder(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    added = repo.git("worktree", "add", "--relative-paths", "-b", "w", tmp_path / "w")
    if added.returncode == 129:
        pytest.skip("this git has no `worktree add --relative-paths` (2.48)")
    added.ok()
    assert worktrees(seen(repo.path))[1].admin_id == "w"


def test_an_unborn_branch_has_a_name_and_no_commit(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path / "r"]).ok()
    found = seen(tmp_path / "r")
    assert current_branch(found.cwd) == "main"
    assert head_commit(found.cwd) is None
    assert worktrees(found)[0].head is None
    assert default_branch(found) is None


def test_branch_and_commit_of_a_worktree(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("feature/$(x)")
    repo.git("switch", "--quiet", "feature/$(x)").ok()
    assert current_branch(str(repo.path)) == "feature/$(x)"
    assert head_commit(str(repo.path)) == repo.out("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "--detach").ok()
    assert current_branch(str(repo.path)) is None


@pytest.mark.parametrize("name", ["none", "-rf", "--help", "a b", "", "\n", "HEAD:README.md"])
def test_what_is_no_commit_has_none(git_repo: MakeRepo, name: str) -> None:
    assert commit_of(str(git_repo().path), name) is None


def test_the_default_branch_is_what_origin_says(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.branch("team/trunk")
    repo.with_origin(tmp_path / "origin.git")
    assert default_branch(seen(repo.path)) == "main"
    repo.git("remote", "set-head", "origin", "team/trunk").ok()
    assert default_branch(seen(repo.path)) == "team/trunk"


@pytest.mark.parametrize(
    ("configured", "branches", "expected"),
    [
        ("trunk", ["trunk", "master"], "trunk"),
        ("trunk", ["master"], "main"),
        (None, ["master"], "main"),
    ],
)
def test_without_origin_the_default_branch_is_configured_or_usual(
    git_repo: MakeRepo, configured: str | None, branches: list[str], expected: str
) -> None:
    repo = git_repo()
    for name in branches:
        repo.branch(name)
    if configured:
        repo.git("config", "init.defaultBranch", configured).ok()
    assert default_branch(seen(repo.path)) == expected


def test_master_is_the_default_branch_where_there_is_no_main(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.git("branch", "--move", "main", "master").ok()
    assert default_branch(seen(repo.path)) == "master"
    repo.git("branch", "--move", "master", "something").ok()
    assert default_branch(seen(repo.path)) is None


def test_configuration_is_read_as_it_applies_here(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    assert read_config(seen(repo.path), "bough.layout") is None
    repo.git("config", "bough.layout", "two\nlines").ok()
    assert read_config(seen(repo.path), "bough.layout") == "two\nlines"
    linked = repo.worktree(tmp_path / "w", "w")
    repo.git("config", "extensions.worktreeConfig", "true").ok()
    linked.git("config", "--worktree", "bough.layout", "nested").ok()
    assert read_config(seen(linked.path), "bough.layout") == "nested"


def test_a_configuration_that_does_not_parse_is_an_error(git_repo: MakeRepo) -> None:
    repo = git_repo()
    found = seen(repo.path)
    repo.write({".git/config": "[core\n"})
    with pytest.raises(GitError, match="git config failed: bad config line 1"):
        read_config(found, "bough.layout")


def test_a_merge_and_a_rebase_are_seen(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo({"f": "1\n"})
    repo.branch("other", {"f": "2\n"})
    repo.commit({"f": "3\n"})
    linked = repo.worktree(tmp_path / "w", "w")
    git_dir = seen(linked.path).git_dir
    assert not is_merging(git_dir)
    assert not is_rebasing(git_dir)
    linked.git("merge", "other")
    assert is_merging(git_dir)
    linked.git("merge", "--abort").ok()
    linked.git("rebase", "other")
    assert is_rebasing(git_dir)
    assert not is_merging(git_dir)
    assert not is_rebasing(seen(repo.path).git_dir)
