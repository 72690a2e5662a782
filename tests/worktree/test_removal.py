"""Removing worktrees with real git: the facts, the proofs, and what is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.git import GitError
from bough.hooks.repository import WorktreeEntry, worktrees
from bough.worktree.changes import Changes
from bough.worktree.errors import BranchMoved, RemovalRefused
from bough.worktree.removal import Removed, examine, remove
from bough.worktree.safety import Facts, Proof, Wishes, verdict
from tests.support.commands import run
from tests.support.repos import Repo
from tests.worktree.creating import seen, started

MakeRepo = Callable[..., Repo]


def entry_of(repo: Repo, worktree: Repo) -> WorktreeEntry:
    (entry,) = [e for e in worktrees(seen(repo)) if e.path == str(worktree.path)]
    return entry


def facts(repo: Repo, worktree: Repo, cwd: str | None = None) -> Facts:
    return examine(seen(repo), entry_of(repo, worktree), cwd=cwd or str(repo.path))


def removed(repo: Repo, worktree: Repo, wishes: Wishes = Wishes()) -> Removed:  # noqa: B008 - frozen
    return remove(seen(repo), verdict(facts(repo, worktree), wishes))


def proof(repo: Repo, worktree: Repo) -> tuple[Proof, str] | None:
    evidence = facts(repo, worktree).evidence
    return (evidence.proof, evidence.against) if evidence else None


# --- the proofs that a branch loses nothing


def test_a_branch_without_commits_of_its_own_is_at_its_bases_commit(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("release", {"f": "1"})
    assert proof(repo, started(repo, "x")) == (Proof.SAME_COMMIT, "main")
    assert proof(repo, started(repo, "y", "release")) == (Proof.SAME_COMMIT, "release")


def test_a_merged_branch_is_an_ancestor(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    assert proof(repo, work) is None
    repo.git("merge", "--quiet", "--no-ff", "x").ok()
    assert proof(repo, work) == (Proof.ANCESTOR, "main")
    # Merged on the server, and only fetched here.
    repo.with_origin(tmp_path / "origin.git")
    repo.git("reset", "--quiet", "--hard", "HEAD~1").ok()
    assert proof(repo, work) == (Proof.ANCESTOR, "origin/main")


def test_a_branch_merged_into_its_base_is_an_ancestor(git_repo: MakeRepo) -> None:
    repo = git_repo()
    parent = started(repo, "parent")
    parent.commit({"p": "1"})
    child = started(parent, "child")
    child.commit({"c": "1"})
    parent.git("merge", "--quiet", "child").ok()
    parent.commit({"p": "2"})
    assert proof(repo, child) == (Proof.ANCESTOR, "parent")


def test_a_branch_that_took_everything_back_has_an_empty_diff(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    work.git("revert", "--no-edit", "HEAD").ok()
    repo.commit({"other": "1"})
    assert proof(repo, work) == (Proof.EMPTY_DIFF, "main")


def test_a_branch_that_was_squashed_has_equal_trees(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    work.commit({"g": "1"})
    repo.git("merge", "--quiet", "--squash", "x").ok()
    repo.git("commit", "--quiet", "-m", "squashed").ok()
    assert proof(repo, work) == (Proof.EQUAL_TREES, "main")


def test_a_pushed_branch_is_on_the_remote_at_that_very_commit(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    repo.with_origin(tmp_path / "origin.git")
    assert proof(repo, work) == (Proof.ON_REMOTE, "origin/x")
    work.commit({"f": "2"})
    assert proof(repo, work) is None
    assert facts(repo, work).compared == ("main", "origin/main")


def test_histories_without_a_common_commit_prove_nothing(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.git("switch", "--quiet", "--orphan", "island").ok()
    work.commit({"f": "1"})
    assert proof(repo, work) is None


def test_a_detached_commit_needs_a_branch_or_tag_that_holds_it(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "w").ok()
    work = Repo(path=Path(os.path.realpath(tmp_path / "w")))
    assert proof(repo, work) == (Proof.REACHABLE, "main")
    work.commit({"f": "1"})
    assert proof(repo, work) is None
    work.git("tag", "kept").ok()
    assert proof(repo, work) == (Proof.REACHABLE, "kept")


def test_a_branch_without_a_commit_has_nothing_to_lose(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.git("switch", "--quiet", "--orphan", "empty").ok()
    assert proof(repo, work) == (Proof.NO_COMMITS, "")
    assert removed(repo, work).branch is None
    assert not work.path.exists()


# --- the other facts


def test_the_facts_of_a_worktree(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.write({"new": "1", "README.md": "changed"})
    repo.git("worktree", "lock", "--reason", "why", work.path).ok()
    found = facts(repo, work, cwd=str(work.path / "."))
    assert (found.branch, found.tip) == ("x", work.out("rev-parse", "HEAD"))
    assert found.changes == Changes(unstaged=1, untracked=1)
    assert (found.locked, found.standing, found.missing, found.is_main) == (
        "why",
        True,
        False,
        False,
    )
    main = facts(repo, repo)
    assert (main.is_main, main.default) == (True, True)


def test_standing_beside_a_worktree_is_not_standing_in_it(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work, beside = started(repo, "x"), started(repo, "x2")
    assert not facts(repo, work, cwd=str(beside.path)).standing
    (work.path / "sub").mkdir()
    assert facts(repo, work, cwd=str(work.path / "sub")).standing


def test_a_paused_merge_is_seen(git_repo: MakeRepo) -> None:
    repo = git_repo({"f": "1"})
    work = started(repo, "x")
    work.commit({"f": "2"})
    repo.commit({"f": "3"})
    work.git("merge", "main")
    found = facts(repo, work)
    assert found.paused == "merge"
    assert found.changes == Changes(conflicts=1)


def test_a_branch_that_another_worktree_has_too_is_seen(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    work = started(repo, "x")
    repo.git("worktree", "add", "--force", tmp_path / "twin", "x").ok()
    assert facts(repo, work).elsewhere == os.path.realpath(tmp_path / "twin")


# --- removal


def test_worktree_branch_and_its_configuration_go(git_repo: MakeRepo) -> None:
    repo = git_repo({".gitignore": "ignored\n"})
    work = started(repo, "feature/x")
    work.write({"ignored": "does not count"})
    outcome = removed(repo, work)
    assert outcome == Removed(path=str(work.path), branch="feature/x")
    assert not work.path.exists()
    assert repo.out("branch", "--list") == "* main"
    assert "feature/x" not in repo.out("config", "--local", "--list")
    assert [entry.is_main for entry in worktrees(seen(repo))] == [True]


def test_what_is_not_safe_is_not_touched_and_every_reason_is_told(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    work.write({"new": "1"})
    with pytest.raises(RemovalRefused, match=r"not clean \(1 untracked\); the branch x") as error:
        removed(repo, work)
    assert "-f" in error.value.hint
    assert "-D" in error.value.hint
    assert (work.path / "new").exists()


def test_changes_and_commits_go_when_that_is_said(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    work.commit({"f": "1"})
    work.write({"new": "1"})
    outcome = removed(repo, work, Wishes(force=True, force_branch=True))
    assert outcome.branch == "x"
    assert not work.path.exists()
    assert repo.git("rev-parse", "--verify", "x").returncode != 0


def test_a_branch_can_be_kept(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    tip = work.commit({"f": "1"})
    assert removed(repo, work, Wishes(keep_branch=True)).branch is None
    assert repo.out("rev-parse", "x") == tip


def test_the_default_branch_stays_when_its_worktree_goes(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    run(["git", "clone", "--quiet", "--bare", git_repo().path, tmp_path / "b.git"]).ok()
    bare = Repo(path=Path(os.path.realpath(tmp_path / "b.git")))
    bare.git("worktree", "add", "--quiet", tmp_path / "m", "main").ok()
    main = Repo(path=Path(os.path.realpath(tmp_path / "m")))
    assert removed(bare, main).branch is None
    assert not main.path.exists()
    assert bare.out("branch", "--list").endswith("main")


def test_what_appears_between_the_look_and_the_removal_is_not_lost(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    judged = verdict(facts(repo, work), Wishes())
    work.write({"late": "1"})
    with pytest.raises(GitError, match="modified or untracked") as error:
        remove(seen(repo), judged)
    assert "-f" in error.value.hint
    assert (work.path / "late").exists()
    assert repo.out("rev-parse", "x")


def test_a_commit_between_the_look_and_the_removal_keeps_its_branch(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    judged = verdict(facts(repo, work), Wishes())
    tip = work.commit({"late": "1"})
    with pytest.raises(BranchMoved, match="the branch x was not deleted"):
        remove(seen(repo), judged)
    assert repo.out("rev-parse", "x") == tip
    assert repo.out("config", "branch.x.bough-base") == "main"


def test_a_worktree_whose_folder_is_gone_can_be_removed(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    shutil.rmtree(work.path)
    found = facts(repo, work)
    assert found.missing
    assert removed(repo, work).branch == "x"
    assert len(worktrees(seen(repo))) == 1


def test_a_worktree_can_be_removed_from_inside_when_that_is_said(git_repo: MakeRepo) -> None:
    repo = git_repo()
    work = started(repo, "x")
    found = facts(work, work, cwd=str(work.path))
    with pytest.raises(RemovalRefused, match="you are in it"):
        remove(seen(work), verdict(found, Wishes()))
    assert remove(seen(work), verdict(found, Wishes(from_inside=True))).branch == "x"
    assert not work.path.exists()


def test_folders_made_for_a_worktree_alone_go_with_it(git_repo: MakeRepo, tmp_path: Path) -> None:
    run(["git", "clone", "--quiet", "--bare", git_repo().path, tmp_path / "p/.git"]).ok()
    bare = Repo(path=Path(os.path.realpath(tmp_path / "p/.git")))
    first = started(bare, "team/deep/x", layout="contained")
    second = started(bare, "team/y", layout="contained")
    removed(bare, first)
    assert not (tmp_path / "p/team/deep").exists()
    assert second.path.exists()
    removed(bare, second)
    assert not (tmp_path / "p/team").exists()
    assert (tmp_path / "p").exists()


@pytest.mark.parametrize("branch", ["$(touch${IFS}pwned)", "it's", "日本/語"])
def test_hostile_names_are_removed_like_others(git_repo: MakeRepo, branch: str) -> None:
    repo = git_repo()
    assert removed(repo, started(repo, branch)).branch == branch
    assert repo.out("branch", "--list") == "* main"
