"""What a repository's files say about its branches and worktrees, compared with what git says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
from bough.worktree.cli import repofiles
from tests.support.commands import run
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]

PREFIXES = ("refs/heads/", "refs/remotes/", "refs/tags/")


def common_dir(folder: Path | str) -> bytes | None:
    return repofiles.find_common_dir(os.fsencode(folder))


def names(repo: Repo, prefix: str) -> set[str]:
    found = repofiles.References(os.fsencode(repo.path / ".git")).below(prefix.encode())
    return {os.fsdecode(name) for name in found}


def names_by_git(repo: Repo, prefix: str) -> set[str]:
    listed = repo.out("for-each-ref", "--format=%(refname)", prefix).splitlines()
    return {name.removeprefix(prefix) for name in listed}


@pytest.mark.parametrize("packed", ["none", "all", "some"])
def test_references_are_those_that_git_lists(
    git_repo: MakeRepo, tmp_path: Path, packed: str
) -> None:
    repo = git_repo()
    for name in ("feature/a", "feature/b/c", "we$ird", "日本", "caf\udce9", "refs/heads/x"):
        repo.branch(name)
    repo.git("tag", "-a", "-m", "annotated", "v1").ok()
    repo.git("tag", "light").ok()
    repo.with_origin(tmp_path / "origin.git")
    if packed != "none":
        repo.git("pack-refs", "--all").ok()
    if packed == "some":
        repo.branch("late/one")
        repo.git("branch", "-D", "feature/a").ok()
        repo.git("branch", "--force", "we$ird", "HEAD").ok()
    for prefix in PREFIXES:
        assert names(repo, prefix) == names_by_git(repo, prefix), prefix


def test_a_lock_that_was_left_is_no_branch(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.write({".git/refs/heads/x.lock": ""})
    assert names(repo, "refs/heads/") == {"main"}


@pytest.mark.parametrize("name", ["plain", "a b'\"$", "new\nline", "caf\udce9"])
def test_the_repository_is_found_from_everywhere_in_it(
    git_repo: MakeRepo, tmp_path: Path, name: str
) -> None:
    repo = git_repo({"sub/deep/f": "1"}, name=name)
    linked = repo.worktree(tmp_path / f"{name} linked", "x")
    expected = os.fsencode(repo.path / ".git")
    places = [
        repo.path,
        repo.path / "sub/deep",
        linked.path,
        linked.path / "sub",
        repo.path / ".git",
    ]
    for place in (*places, repo.path / ".git/worktrees" / linked.path.name):
        assert common_dir(place) == expected, place


def test_a_bare_repository_and_a_submodule_are_found(git_repo: MakeRepo, tmp_path: Path) -> None:
    inner, outer = git_repo(name="inner"), git_repo(name="outer")
    run(["git", "clone", "--quiet", "--bare", inner.path, tmp_path / "b.git"]).ok()
    assert common_dir(tmp_path / "b.git/refs") == os.fsencode(tmp_path / "b.git")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    outer.git(*add, inner.path, "sub").ok()
    assert common_dir(outer.path / "sub") == os.fsencode(outer.path / ".git/modules/sub")


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    assert common_dir(tmp_path) is None
    assert common_dir("/") is None


def test_branches_and_folders_of_worktrees_are_told(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    here = os.fsencode(repo.path / ".git")
    assert repofiles.linked_git_dirs(here) == []
    repo.worktree(tmp_path / "one", "feature/x")
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "new\nline").ok()
    found = {
        repofiles.folder_name(git_dir): repofiles.branch_in(git_dir)
        for git_dir in repofiles.linked_git_dirs(here)
    }
    assert found == {b"one": b"feature/x", b"new\nline": None}
    assert repofiles.branch_in(here) == b"main"


def test_the_repositorys_id_is_read_without_a_parser(git_repo: MakeRepo) -> None:
    repo = git_repo()
    here = os.fsencode(repo.path / ".git")
    assert repofiles.repo_id(here) is None
    value = repo_id(discover(str(repo.path))).value
    assert repofiles.repo_id(here) == value


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"id": "../../../etc"}', '{"id": "', '{"id": "' + "x" * 36 + '"}', "\udcff"],
)
def test_a_file_that_holds_no_id_is_no_id(git_repo: MakeRepo, content: str) -> None:
    repo = git_repo()
    repo.write({".git/bough/repo-id": content})
    assert repofiles.repo_id(os.fsencode(repo.path / ".git")) is None


def test_references_in_another_format_are_none_and_no_error(tmp_path: Path) -> None:
    made = run(["git", "init", "--quiet", "--ref-format=reftable", tmp_path / "r"])
    if made.returncode == 129:
        pytest.skip("this git has no `init --ref-format` (2.45)")
    made.ok()
    repo = Repo(path=tmp_path / "r")
    repo.commit({"f": "1"})
    assert names(repo, "refs/heads/") == set()
    assert repofiles.branch_in(os.fsencode(repo.path / ".git")) is None
