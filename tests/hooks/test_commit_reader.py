"""Files as a commit has them, links and hostile paths included."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.commit_reader import CommitReader
from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError
from bough.hooks.repository import discover
from tests.support.commands import run
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]


def reader(repo: Repo, commit: str = "HEAD") -> CommitReader:
    return CommitReader(discover(str(repo.path)), repo.out("rev-parse", commit))


def link(repo: Repo, name: str, target: str) -> None:
    os.symlink(target, repo.path / name)
    repo.git("add", "--", name).ok()
    repo.git("commit", "--quiet", "-m", "link").ok()


def test_files_are_read_from_the_commit_not_from_the_folder(git_repo: MakeRepo) -> None:
    repo = git_repo({"bough.yml": b"a: \xff\r\n", "sub/deep/x": "deep"})
    found = reader(repo)
    repo.write({"bough.yml": "changed", "new": "new"})
    assert found.read("bough.yml") == b"a: \xff\r\n"
    assert found.read("sub/deep/x") == b"deep"
    assert found.read("./sub//deep/../deep/x") == b"deep"
    assert found.read("new") is None
    assert found.read("sub/none") is None
    assert found.read("bough.yml/below") is None


def test_the_commit_is_named(git_repo: MakeRepo) -> None:
    repo = git_repo()
    assert reader(repo).label == f"commit {repo.out('rev-parse', 'HEAD')[:12]}"


def test_another_commit_has_other_files(git_repo: MakeRepo) -> None:
    repo = git_repo({"f": "1"})
    repo.branch("other", {"f": "2"})
    assert reader(repo, "other").read("f") == b"2"
    assert reader(repo).read("f") == b"1"


def test_a_bare_repository_and_a_git_folder_will_do(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo({"f": "1"})
    run(["git", "clone", "--quiet", "--bare", repo.path, tmp_path / "b.git"]).ok()
    assert reader(Repo(path=tmp_path / "b.git")).read("f") == b"1"
    assert reader(Repo(path=repo.path / ".git")).read("f") == b"1"


@pytest.mark.parametrize("name", ["a b", "a\nb", "$(x)", "-rf", "caf\udce9", "x:y", "a missing"])
def test_names_may_be_anything(git_repo: MakeRepo, name: str) -> None:
    repo = git_repo({name: "here"})
    assert reader(repo).read(name) == b"here"
    assert reader(repo).read(name + "2") is None


def test_links_within_the_commit_are_followed(git_repo: MakeRepo) -> None:
    repo = git_repo({"dir/real": "content"})
    link(repo, "file", "dir/real")
    link(repo, "folder", "dir")
    assert reader(repo).read("file") == b"content"
    assert reader(repo).read("folder/real") == b"content"


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "nowhere", "link", ".", "dir"])
def test_a_link_that_leads_to_no_file_of_the_commit_is_an_error(
    git_repo: MakeRepo, tmp_path: Path, target: str
) -> None:
    (tmp_path / "outside").write_text("secret")
    repo = git_repo({"dir/real": "content"})
    link(repo, "link", target)
    with pytest.raises(
        ConfigError, match=r"^link:1:1: cannot be read from commit [0-9a-f]{12}: it"
    ):
        reader(repo).read("link")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "sub/../../x"])
def test_a_path_that_leaves_the_commit_is_an_error(git_repo: MakeRepo, path: str) -> None:
    with pytest.raises(ConfigError, match="outside of the worktree"):
        reader(git_repo()).read(path)


def test_a_folder_is_no_file(git_repo: MakeRepo) -> None:
    with pytest.raises(ConfigError, match="it is a folder"):
        reader(git_repo({"bough.yml/x": "1"})).read("bough.yml")


def test_a_huge_file_is_not_read(git_repo: MakeRepo) -> None:
    repo = git_repo({"fits": "x" * MAX_FILE_BYTES, "huge": "x" * (MAX_FILE_BYTES + 1)})
    assert len(reader(repo).read("fits") or b"") == MAX_FILE_BYTES
    with pytest.raises(ConfigError, match="larger than"):
        reader(repo).read("huge")
