"""Removing a worktree: the facts for `safety.verdict`, and doing what it allowed.

Invariants: nothing is touched unless the verdict is safe; git checks once more that the worktree is
clean, so what was written after the look is not lost; a branch is deleted only at the commit that
was judged.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from bough.hooks.git import GitError, git
from bough.hooks.paths import shown_path
from bough.hooks.repository import (
    HEADS,
    Repository,
    WorktreeEntry,
    admin_dir,
    default_branch,
    folder,
    worktrees,
)
from bough.worktree.branches import REMOTES, Branches, base_of, branches, delete_branch
from bough.worktree.changes import Changes
from bough.worktree.errors import RemovalRefused
from bough.worktree.safety import Evidence, Facts, Proof, Verdict
from bough.worktree.status import paused_operation, read_changes

REMOVAL_TIMEOUT_S = 3600.0
"""Deleting a worktree full of build output takes as long as the disk takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What is gone: the folder, and the branch if it was deleted."""

    path: str
    branch: str | None


def examine(repo: Repository, entry: WorktreeEntry, *, cwd: str) -> Facts:
    """The facts about a worktree for a command that runs in `cwd`."""
    missing = not os.path.isdir(entry.path)
    entries = worktrees(repo)
    default = default_branch(repo)
    known = branches(repo)
    compared = _compared(repo, entry, default, known)
    here = os.path.realpath(cwd)
    return Facts(
        path=entry.path,
        branch=entry.branch,
        tip=entry.head,
        is_main=entry.is_main,
        locked=entry.locked,
        missing=missing,
        standing=here == entry.path or here.startswith(f"{entry.path}/"),
        default=entry.branch is not None and entry.branch == default,
        elsewhere=next(
            (
                other.path
                for other in entries
                if entry.branch and other.branch == entry.branch and other.path != entry.path
            ),
            None,
        ),
        changes=None if missing else _changes(entry),
        paused=None if entry.bare else paused_operation(admin_dir(repo, entry)),
        evidence=_evidence(repo, entry, compared, known),
        compared=tuple(compared),
    )


def remove(repo: Repository, judged: Verdict) -> Removed:
    """Remove the worktree and, if the verdict says so, its branch. Raises `RemovalRefused`,
    `BranchMoved` (the worktree is gone then, the branch is not) or `GitError`."""
    facts = judged.facts
    if not judged.safe:
        raise refused(judged)
    force = ("--force",) if judged.force else ()
    try:
        git(
            *("worktree", "remove", *force, "--", facts.path),
            cwd=repo.common_dir,  # not in the folder that goes away
            timeout=REMOVAL_TIMEOUT_S,
        )
    except GitError as error:
        error.hint = error.hint or "If what git names may be lost: bough remove -f"
        raise
    _remove_empty_parents(repo, facts.path)
    if not judged.deletes_branch or facts.branch is None or facts.tip is None:
        return Removed(path=facts.path, branch=None)
    delete_branch(repo, facts.branch, tip=facts.tip)
    return Removed(path=facts.path, branch=facts.branch)


def refused(judged: Verdict) -> RemovalRefused:
    """The error for a verdict that is not safe: all reasons, and the ways out."""
    reasons = "; ".join(refusal.message for refusal in judged.refusals)
    return RemovalRefused(
        f"the worktree {shown_path(judged.facts.path)} was not removed: {reasons}",
        hint=" ".join(refusal.hint for refusal in judged.refusals),
    )


def _changes(entry: WorktreeEntry) -> Changes | None:
    try:
        return read_changes(entry.path)
    except GitError:
        return None


def _compared(
    repo: Repository, entry: WorktreeEntry, default: str | None, known: Branches
) -> dict[str, str]:
    """The branches that may hold what `entry`'s branch holds, with their commits."""
    names: list[str | None] = []
    if entry.branch:
        names.append(base_of(repo, entry.branch))
    if default:
        upstream = git("for-each-ref", "--format=%(upstream)", f"{HEADS}{default}", cwd=repo.cwd)
        names += [default, upstream.text.removeprefix(REMOTES), f"origin/{default}"]
    commits = {}
    for name in names:
        commit = known.local.get(name or "") or known.remote.get(name or "")
        if name and commit and name != entry.branch:
            commits[name] = commit
    return commits


def _evidence(
    repo: Repository, entry: WorktreeEntry, compared: dict[str, str], known: Branches
) -> Evidence | None:
    tip = entry.head
    if tip is None:
        return Evidence(proof=Proof.NO_COMMITS)
    if entry.branch is None:
        return _reachable(repo, tip)
    for proof, holds in _PROOFS:
        for name, commit in compared.items():
            if holds(repo, tip, commit):
                return Evidence(proof=proof, against=name)
    for name, commit in known.remote.items():
        if commit == tip:
            return Evidence(proof=Proof.ON_REMOTE, against=name)
    return None


def _reachable(repo: Repository, tip: str) -> Evidence | None:
    holder = git(
        *("for-each-ref", "--count=1", "--format=%(refname:short)", "--contains", tip),
        *("refs/heads", "refs/tags", "refs/remotes"),
        cwd=repo.cwd,
    ).text
    return Evidence(proof=Proof.REACHABLE, against=holder) if holder else None


def _same(_repo: Repository, tip: str, other: str) -> bool:
    return tip == other


def _ancestor(repo: Repository, tip: str, other: str) -> bool:
    answer = git("merge-base", "--is-ancestor", tip, other, cwd=repo.cwd, check=False)
    return answer.code == 0


def _empty_diff(repo: Repository, tip: str, other: str) -> bool:
    answer = git("merge-base", tip, other, cwd=repo.cwd, check=False)
    return answer.code == 0 and _equal_trees(repo, tip, answer.text)


def _equal_trees(repo: Repository, tip: str, other: str) -> bool:
    trees = git("rev-parse", f"{tip}^{{tree}}", f"{other}^{{tree}}", cwd=repo.cwd).lines
    return trees[0] == trees[1]


_PROOFS = (
    (Proof.SAME_COMMIT, _same),
    (Proof.ANCESTOR, _ancestor),
    (Proof.EMPTY_DIFF, _empty_diff),
    (Proof.EQUAL_TREES, _equal_trees),
)


def _remove_empty_parents(repo: Repository, path: str) -> None:
    """Remove the folders that only this worktree needed, between it and the repository's own."""
    root = folder(repo)
    parent = os.path.dirname(path)
    while parent.startswith(f"{root}/"):
        try:
            os.rmdir(parent)
        except OSError:
            return  # something else is in it
        parent = os.path.dirname(parent)
