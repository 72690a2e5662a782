"""The marker of a worktree: created once, gone with the worktree."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bough.hooks.repository import discover, worktrees
from bough.worktree.markers import mark, marker
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]


def test_of_all_who_see_a_new_worktree_one_marks_it(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.worktree(tmp_path / "w", "w")
    here = discover(str(repo.path))
    entry = worktrees(here)[1]
    assert marker(here, entry) is None
    with ThreadPoolExecutor(max_workers=8) as pool:
        outcomes = list(pool.map(lambda _: mark(here, entry), range(8)))
    assert sorted(outcomes) == [False] * 7 + [True]
    found = marker(here, entry)
    assert found is not None
    assert len(found) == 32
    assert (repo.path / ".git/worktrees/w/bough-worktree").stat().st_mode & 0o777 == 0o600


def test_the_main_worktrees_marker_is_among_boughs_own_files(git_repo: MakeRepo) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    (main,) = worktrees(here)
    assert marker(here, main) is None
    assert mark(here, main)
    assert not mark(here, main)
    assert (repo.path / ".git/bough/bough-worktree").read_text().strip() == marker(here, main)


def test_a_marker_survives_moves_and_housekeeping_and_goes_with_the_worktree(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "w", "w")
    here = discover(str(repo.path))
    mark(here, worktrees(here)[1])
    before = marker(here, worktrees(here)[1])
    repo.git("worktree", "move", linked.path, tmp_path / "v").ok()
    repo.git("worktree", "prune").ok()
    repo.git("gc", "--quiet").ok()
    (tmp_path / "v").rename(tmp_path / "u")
    repo.git("worktree", "repair", tmp_path / "u").ok()
    assert marker(here, worktrees(here)[1]) == before
    repo.git("worktree", "remove", tmp_path / "u").ok()
    # Another worktree takes over the admin folder's name, but not the marker.
    repo.git("worktree", "add", "--quiet", tmp_path / "w", "w").ok()
    again = worktrees(here)[1]
    assert again.admin_id == "w"
    assert marker(here, again) is None
    assert mark(here, again)
    assert marker(here, again) != before
