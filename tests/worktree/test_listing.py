"""The rows of `list`, with real git."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.repository import discover
from bough.worktree.changes import Changes
from bough.worktree.listing import Distance, Row, rows
from tests.support.commands import run
from tests.support.repos import Repo, write_files
from tests.worktree.creating import started

MakeRepo = Callable[..., Repo]


def listed(repo: Repo) -> dict[str, Row]:
    return {row.entry.branch or "": row for row in rows(discover(str(repo.path)))}


def test_a_row_says_all_that_is_known(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.with_origin(tmp_path / "origin.git")
    work = started(repo, "x")
    work.commit({"f": "1"})
    work.git("push", "--quiet", "--set-upstream", "origin", "x").ok()
    work.commit({"f": "2"})
    repo.commit({"g": "1"})
    work.write({"new": "1", "f": "3"})
    row = listed(repo)["x"]
    assert (row.entry.path, row.missing, row.paused) == (str(work.path), False, None)
    assert row.changes == Changes(unstaged=1, untracked=1)
    assert (row.upstream, row.to_upstream) == ("origin/x", Distance(ahead=1, behind=0))
    assert (row.base, row.to_base) == ("main", Distance(ahead=2, behind=1))
    assert row.last_commit_at == int(work.out("log", "-1", "--format=%ct")) * 1000
    main = listed(repo)["main"]
    assert (main.base, main.to_base) == (None, None)
    assert main.to_upstream == Distance(ahead=1, behind=0)


def test_the_base_is_what_the_branch_was_started_from(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    parent = started(repo, "parent")
    parent.commit({"p": "1"})
    child = started(parent, "child")
    child.commit({"c": "1"})
    found = listed(repo)
    assert (found["child"].base, found["child"].to_base) == ("parent", Distance(ahead=1, behind=0))
    repo.with_origin(tmp_path / "origin.git")
    late = started(repo, "late", "origin/parent")
    late.commit({"l": "1"})
    assert listed(repo)["late"].to_base == Distance(ahead=1, behind=0)
    repo.git("config", "branch.child.bough-base", "no-such-branch").ok()
    assert listed(repo)["child"].to_base is None


def test_a_branch_and_a_remote_branch_of_one_name_are_not_mixed_up(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    repo.branch("origin/x", {"local": "1"})
    repo.branch("x")
    repo.with_origin(tmp_path / "origin.git")
    work = started(repo, "y", "refs/heads/origin/x")
    repo.git("config", "branch.y.bough-base", "origin/x").ok()
    assert listed(repo)["y"].to_base == Distance(ahead=0, behind=0)
    assert work.path.exists()


def test_what_is_not_known_is_none(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    gone = repo.worktree(tmp_path / "gone", "gone")
    shutil.rmtree(gone.path)
    broken = repo.worktree(tmp_path / "broken", "broken")
    write_files(repo.path / ".git/worktrees/broken", {"index": "no index"})
    found = listed(repo)
    assert found["gone"].missing
    assert found["gone"].changes is None
    assert found["gone"].entry.prunable is not None
    assert found["gone"].last_commit_at is not None
    assert not found["broken"].missing
    assert found["broken"].changes is None
    assert broken.path.exists()


def test_an_upstream_that_is_gone_has_no_distance(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.with_origin(tmp_path / "origin.git")
    repo.git("update-ref", "-d", "refs/remotes/origin/main").ok()
    row = listed(repo)["main"]
    assert (row.upstream, row.to_upstream) == ("origin/main", None)


def test_a_detached_worktree_has_a_time_but_no_branch(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "w").ok()
    row = listed(repo)[""]
    assert row.entry.detached
    assert (row.upstream, row.to_upstream) == (None, None)
    assert (row.base, row.to_base) == ("main", Distance(ahead=0, behind=0))
    assert row.last_commit_at == int(repo.out("log", "-1", "--format=%ct")) * 1000


def test_a_paused_rebase_and_a_lock_are_told(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo({"f": "1"})
    work = repo.worktree(tmp_path / "w", "x")
    work.commit({"f": "2"})
    repo.commit({"f": "3"})
    work.git("rebase", "main")
    repo.git("worktree", "lock", "--reason", "mine", work.path).ok()
    row = listed(repo)[""]
    assert row.paused == "rebase"
    assert row.changes == Changes(conflicts=1)
    assert row.entry.locked == "mine"


def test_an_unborn_branch_is_a_row(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path / "r"]).ok()
    (row,) = rows(discover(str(tmp_path / "r")))
    assert (row.entry.branch, row.last_commit_at, row.to_base) == ("main", None, None)
    assert row.changes == Changes()


def test_a_bare_repository_is_no_row(git_repo: MakeRepo, tmp_path: Path) -> None:
    run(["git", "clone", "--quiet", "--bare", git_repo().path, tmp_path / "b.git"]).ok()
    bare = Repo(path=tmp_path / "b.git")
    assert rows(discover(str(bare.path))) == []
    bare.git("worktree", "add", "--quiet", tmp_path / "m", "main").ok()
    assert list(listed(bare)) == ["main"]


@pytest.mark.parametrize("count", [1, 6])
def test_the_number_of_git_calls_is_bounded(
    git_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    repo = git_repo()
    for number in range(count):
        repo.worktree(tmp_path / f"w{number}", f"b{number}").commit({"f": str(number)})
    calls = tmp_path / "calls"
    real = shutil.which("git")
    script = f"#!/bin/sh\necho x >>'{calls}'\nexec '{real}' \"$@\"\n"
    write_files(tmp_path / "bin", {"git": script})
    here = discover(str(repo.path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    assert len(rows(here)) == count + 1
    worktrees_alone = 2 * (count + 1)
    assert len(calls.read_text().splitlines()) <= worktrees_alone + 7
