"""Branches as worktrees need them: all names at once, creation and deletion that cannot race.

Invariants: a branch is created only if it does not exist, and deleted only while it points where
the caller saw it; both are decided by git in one transaction. Branches of one repository are
created one after the other, because git does not wait for the lock on its configuration.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bough.hooks.errors import shown
from bough.hooks.git import Answer, git
from bough.hooks.own_folder import locked
from bough.hooks.repository import HEADS, Repository, read_config
from bough.worktree.errors import BranchMoved, InvalidBranchName

REMOTES = "refs/remotes/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """The commits of local branches by name, and of remote-tracking ones by `origin/name`."""

    local: Mapping[str, str]
    remote: Mapping[str, str]

    def alike(self, name: str) -> list[str]:
        """Up to three names that `name` may have been meant to be, the likeliest first."""
        return close_names(name, [*self.local, *self.remote])


def close_names(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of `names` that look like `name`, the likeliest first."""
    return difflib.get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.6)


def branches(repo: Repository) -> Branches:
    """All branches of `repo`, by one call of git."""
    lines = git(
        *("for-each-ref", "--format=%(objectname) %(refname) %(symref)"),
        *("refs/heads", "refs/remotes"),
        cwd=repo.cwd,
    ).lines
    local, remote = {}, {}
    for line in lines:
        commit, name, symbolic = line.split(" ")
        if name.startswith(HEADS):
            local[name.removeprefix(HEADS)] = commit
        elif not symbolic:  # origin/HEAD is another name, not another branch
            remote[name.removeprefix(REMOTES)] = commit
    return Branches(local=local, remote=remote)


def all_bases(repo: Repository) -> dict[str, str]:
    """What `base_of` says, for all branches at once."""
    pattern = r"^branch\..*\.bough-base$"
    answer = git("config", "--null", "--get-regexp", pattern, cwd=repo.cwd, check=False)
    pairs = (field.split("\n", 1) for field in answer.fields)
    return {key.removeprefix("branch.").removesuffix(".bough-base"): value for key, value in pairs}


def remote_branches(repo: Repository, name: str, known: Branches) -> list[str]:
    """The remote-tracking branches for `name`: `origin/name` for each remote that has it."""
    if not any(remote.endswith(f"/{name}") for remote in known.remote):
        return []
    candidates = [f"{remote}/{name}" for remote in _remotes(repo)]
    return [candidate for candidate in candidates if candidate in known.remote]


def local_name(repo: Repository, remote_branch: str) -> str:
    """What a local branch that follows `origin/x` is called: `x`."""
    for remote in sorted(_remotes(repo), key=len, reverse=True):
        if remote_branch.startswith(f"{remote}/"):
            return remote_branch.removeprefix(f"{remote}/")
    return remote_branch.partition("/")[2]


def _remotes(repo: Repository) -> list[str]:
    # Their names may contain slashes, so only git can say where one ends.
    return git("remote", cwd=repo.cwd).lines


def check_name(repo: Repository, name: str) -> None:
    """Raise `InvalidBranchName` unless git allows a branch called `name`."""
    if name.startswith("-"):
        raise InvalidBranchName(
            f"a branch cannot be called {shown(name)!r}: it begins with '-', like an option",
            hint="Options go before the branch; a branch begins with a letter or a digit.",
        )
    valid = "\0" not in name and name != "@"  # which means HEAD wherever a branch is asked for
    if valid:
        answer = git("check-ref-format", "--branch", name, cwd=repo.cwd, check=False)
        # git reads @{-1} as the branch before this one, and answers with that.
        valid = answer.code == 0 and answer.text == name
    if not valid:
        raise InvalidBranchName(
            f"git allows no branch called {shown(name)!r}",
            hint="No spaces, no '..', none of ~^:?*[\\, no '.' or '/' at either end.",
        )


def create_branch(
    repo: Repository, name: str, *, commit: str, track: str | None, base: str | None
) -> None:
    """Create `name` at `commit`, following the remote-tracking branch `track` if there is one.

    `base` is remembered as what it was started from. Raises `GitError`, also when it exists.
    """
    with locked(repo, "branches"):
        if track:
            git("branch", "--track", "--", name, f"{REMOTES}{track}", cwd=repo.cwd)
        else:
            git("branch", "--no-track", "--", name, commit, cwd=repo.cwd)
        if base:
            try:
                git("config", f"branch.{name}.bough-base", base, cwd=repo.cwd)
            except BaseException:
                _delete(repo, name, commit)
                raise


def base_of(repo: Repository, name: str) -> str | None:
    """The branch that `name` was started from, if bough did that."""
    return read_config(repo, f"branch.{name}.bough-base")


def delete_branch(repo: Repository, name: str, *, tip: str) -> None:
    """Delete `name` and its configuration if it still points to `tip`; else `BranchMoved`."""
    with locked(repo, "branches"):
        answer = _delete(repo, name, tip)
    if answer.code != 0:
        raise BranchMoved(
            f"the branch {shown(name)} was not deleted: {answer.reason}",
            hint=f"Look at what is new on it: git log {shlex.quote(name)}",
        )


def _delete(repo: Repository, name: str, tip: str) -> Answer:
    # Not in the worktree at hand: it may be the one that was just removed.
    answer = git("update-ref", "-d", f"{HEADS}{name}", tip, cwd=repo.common_dir, check=False)
    if answer.code == 0:
        # Fails when there is no such section, which is as good.
        git("config", "--remove-section", f"branch.{name}", cwd=repo.common_dir, check=False)
    return answer
