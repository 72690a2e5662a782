"""Creating a worktree: first everything that could be refused, then git, then nothing half done.

`resolve_new` and `resolve_existing` look and touch nothing, so that a gate can run between them and
`create`. Invariants: a failed creation leaves neither branch nor folder, and removes nothing that
was there before it or that another process made meanwhile.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bough.coordinator.places import PlaceError
from bough.hooks.errors import shown
from bough.hooks.git import Answer, GitError, git
from bough.hooks.own_folder import locked
from bough.hooks.paths import shown_path
from bough.hooks.repository import (
    HEADS,
    Repository,
    WorktreeEntry,
    admin_dir,
    commit_of,
    current_branch,
    read_config,
    worktrees,
)
from bough.worktree.branches import (
    Branches,
    branches,
    check_name,
    create_branch,
    delete_branch,
    remote_branches,
)
from bough.worktree.errors import (
    BranchConflict,
    BranchExists,
    BranchMoved,
    CheckedOut,
    CreationFailed,
    NoCommits,
    UnknownBase,
)
from bough.worktree.placement import Placement, exclude_line, free_path, missing_parents

CHECKOUT_TIMEOUT_S = 3600.0
"""A checkout may fetch from a large-file server, and git's own hooks run within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A worktree that can be created: every reason against it has been looked for.

    `commit` is what it will have checked out. `base` is the branch that a new branch starts from,
    None if that is a bare commit; `track` the remote-tracking branch that a new branch follows.
    """

    branch: str
    path: str
    commit: str
    new_branch: bool
    base: str | None = None
    track: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A worktree that was created; `warning` says what git's own post-checkout hook failed with."""

    entry: WorktreeEntry
    warning: str = ""


def resolve_new(
    repo: Repository, branch: str, *, base: str | None, placement: Placement
) -> Creation:
    """What `start` does: a new branch from `base` (default: `bough.start.base` of git's
    configuration, else the current branch), and a worktree for it."""
    check_name(repo, branch)
    known = branches(repo)
    entries = worktrees(repo)
    _refuse_existing(repo, branch, known, entries, based=base is not None)
    _refuse_conflict(branch, known)
    base_branch, commit = _starting_point(repo, base, known)
    return Creation(
        branch=branch,
        path=free_path(repo, branch, placement, entries),
        commit=commit,
        new_branch=True,
        base=base_branch,
    )


def resolve_existing(
    repo: Repository, branch: str, *, track: str | None, placement: Placement
) -> Creation:
    """What `go` does for a branch without a worktree. With `track` (`origin/x`) the branch is on
    that remote only, and a local one is made that follows it."""
    check_name(repo, branch)
    known = branches(repo)
    entries = worktrees(repo)
    _refuse_checked_out(repo, branch, entries)
    if track is not None:
        _refuse_existing(repo, branch, known, entries, based=True)
        _refuse_conflict(branch, known)
    commit = known.local.get(branch) if track is None else known.remote.get(track)
    if commit is None:
        raise _unknown(track or branch, known)
    return Creation(
        branch=branch,
        path=free_path(repo, branch, placement, entries),
        commit=commit,
        new_branch=track is not None,
        track=track,
    )


def create(
    repo: Repository, creation: Creation, *, env: Mapping[str, str] | None = None
) -> Created:
    """Do what was resolved; `env` is for git, and so for its hooks.

    Raises `CreationFailed` with git's reason, after undoing its part.
    """
    with ExitStack() as undo:
        missing = not os.path.lexists(creation.path)
        folders = [creation.path, *missing_parents(creation.path)] if missing else []
        if creation.new_branch:
            _create_branch(repo, creation)
            undo.callback(_take_back_branch, repo, creation)
        # Only now: whoever else got the branch is making that very folder.
        undo.callback(_take_back_folders, repo, creation, folders)
        try:
            answer = git(
                *("worktree", "add", "--", creation.path, creation.branch),
                cwd=repo.cwd,
                timeout=CHECKOUT_TIMEOUT_S,
                env=env,
                check=False,
            )
        except BaseException:
            # Stopped, so perhaps before it could clean up; a git that just fails does.
            _take_back_worktree(repo, creation)
            raise
        created = _outcome(repo, creation, answer)
        undo.pop_all()
    line = exclude_line(repo, creation.path)
    return created if line is None else replace(created, warning=_excluded(repo, line, created))


def _refuse_existing(
    repo: Repository, branch: str, known: Branches, entries: Sequence[WorktreeEntry], *, based: bool
) -> None:
    go = f"bough go {shlex.quote(branch)}"
    if branch in known.local:
        paths = [entry.path for entry in entries if entry.branch == branch]
        where = f", checked out at {shown_path(paths[0])}" if paths else ""
        raise BranchExists(f"the branch {shown(branch)} exists already{where}", hint=go)
    on_remote = remote_branches(repo, branch, known)
    if on_remote and not based:
        raise BranchExists(
            f"the branch {shown(branch)} exists already as {shown(on_remote[0])}",
            hint=f"To work on it: {go}. To begin another one of that name, say from where: "
            f"bough start {shlex.quote(branch)} BASE",
        )


def _refuse_conflict(branch: str, known: Branches) -> None:
    for other in known.local:
        if other.startswith(f"{branch}/") or branch.startswith(f"{other}/"):
            raise BranchConflict(
                f"git cannot have both the branches {shown(other)} and {shown(branch)}",
                hint="A branch's name cannot be the folder of another's; choose another name.",
            )
        if other.casefold() == branch.casefold():
            raise BranchConflict(
                f"the branch {shown(branch)} differs from {shown(other)} only by case",
                hint=f"To work on that one: bough go {shlex.quote(other)}",
            )


def _refuse_checked_out(repo: Repository, branch: str, entries: Sequence[WorktreeEntry]) -> None:
    for entry in entries:
        if branch in {entry.branch, _paused_branch(repo, entry)}:
            raise CheckedOut(
                f"the branch {shown(branch)} is checked out at {shown_path(entry.path)}",
                hint=f"cd {shlex.quote(entry.path)}",
            )


def _paused_branch(repo: Repository, entry: WorktreeEntry) -> str | None:
    """The branch that a rebase in the worktree will come back to."""
    if not entry.detached or (not entry.is_main and not entry.admin_id):
        return None
    for name in ("rebase-merge", "rebase-apply"):
        try:
            with open(f"{admin_dir(repo, entry)}/{name}/head-name", "rb") as file:
                return os.fsdecode(file.read().strip()).removeprefix(HEADS)
        except OSError:
            continue  # no rebase of that kind
    return None


def _starting_point(repo: Repository, base: str | None, known: Branches) -> tuple[str | None, str]:
    """The base as a branch, if it is one, and its commit."""
    name = base or read_config(repo, "bough.start.base") or "HEAD"
    commit = commit_of(repo.cwd, name)
    if commit is None:
        if name == "HEAD":
            raise NoCommits(
                "there is no commit yet on the current branch, so nothing to start from",
                hint="Make one (git commit --allow-empty -m 'first commit'), or name a BASE.",
            )
        raise _unknown(name, known)
    if name in {"HEAD", "@"}:
        return current_branch(repo.cwd), commit
    return (name if name in known.local or name in known.remote else None), commit


def _unknown(name: str, known: Branches) -> UnknownBase:
    close = ", ".join(map(shown, known.alike(name)))
    return UnknownBase(
        f"there is no branch or commit {shown(name)!r}",
        hint=f"Did you mean {close}?" if close else "List the branches: git branch --all",
    )


def _create_branch(repo: Repository, creation: Creation) -> None:
    try:
        create_branch(
            repo,
            creation.branch,
            commit=creation.commit,
            track=creation.track,
            base=creation.base,
        )
    except GitError as error:
        if creation.branch in branches(repo).local:
            raise BranchExists(
                f"the branch {shown(creation.branch)} exists already: another command was quicker",
                hint=f"bough go {shlex.quote(creation.branch)}",
            ) from error
        raise CreationFailed(
            f"the branch {shown(creation.branch)} cannot be created: {error.message}",
            hint=error.hint,
        ) from error


def _outcome(repo: Repository, creation: Creation, answer: Answer) -> Created:
    entry = _entry_at(repo, creation.path)
    if entry is None or answer.code == 128:
        raise CreationFailed(
            f"git did not create the worktree {shown_path(creation.path)}: "
            f"{answer.reason or f'it ended with status {answer.code}'}"
        )
    # git's status is then that of its post-checkout hook, which cannot undo anything.
    warning = f"post-checkout ended with status {answer.code}" if answer.code else ""
    return Created(entry=entry, warning=f"{warning}: {answer.reason}" if warning else "")


def _entry_at(repo: Repository, path: str) -> WorktreeEntry | None:
    return next((entry for entry in worktrees(repo) if entry.path == path), None)


def _take_back_worktree(repo: Repository, creation: Creation) -> None:
    entry = _entry_at(repo, creation.path)
    if entry and entry.branch == creation.branch:
        # Twice: git locks a worktree while it makes it.
        git(
            *("worktree", "remove", "--force", "--force", "--", creation.path),
            cwd=repo.cwd,
            timeout=CHECKOUT_TIMEOUT_S,
            check=False,
        )


def _take_back_branch(repo: Repository, creation: Creation) -> None:
    if any(entry.branch == creation.branch for entry in worktrees(repo)):
        return  # somebody else has checked it out meanwhile
    try:
        delete_branch(repo, creation.branch, tip=creation.commit)
    except BranchMoved:
        return  # somebody else has committed to it meanwhile


def _take_back_folders(repo: Repository, creation: Creation, folders: Sequence[str]) -> None:
    if _entry_at(repo, creation.path) is None:  # else somebody else's git is filling it
        _remove_empty(folders)


def _remove_empty(folders: Sequence[str]) -> None:
    for folder in folders:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            continue  # git has removed it, or never came to make it
        except OSError:
            return  # it holds something


def _excluded(repo: Repository, line: str, created: Created) -> str:
    """Hide the worktree from the main one's status; the warnings about the creation so far."""
    path = f"{repo.common_dir}/info/exclude"
    data = os.fsencode(line)
    try:
        with locked(repo, "exclude"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a+b") as file:
                file.seek(0)
                content = file.read()
                if data not in content.splitlines():
                    end = b"" if content.endswith(b"\n") or not content else b"\n"
                    file.write(end + data + b"\n")
    except (OSError, PlaceError) as error:
        return f"{created.warning}\n{path} does not say {line}: {error}".lstrip()
    return created.warning
