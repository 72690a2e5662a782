"""What `bough go TARGET` means: a worktree that exists, or a branch that gets one.

Readings, the first that fits: `-` for the worktree before this one; a branch that is checked out;
a path (one that begins with `/` or `.` may lead into a worktree, any other only to its top); a
local branch; a branch of a remote; the name of a worktree's folder. A folder that merely lies in
the current one is not meant: `bough go docs` is about a branch.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bough.hooks.errors import shown
from bough.hooks.own_folder import own_folder, write_private
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository, WorktreeEntry, worktrees
from bough.worktree.branches import Branches, branches, close_names, local_name, remote_branches
from bough.worktree.errors import AmbiguousTarget, UnknownTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where to go: the worktree `entry`, or None: one has to be made for `branch`, which follows
    the remote-tracking branch `track` if it exists there only."""

    entry: WorktreeEntry | None
    branch: str | None
    track: str | None = None


def resolve_target(repo: Repository, target: str, *, cwd: str) -> Destination:
    """What `target` means for a command in `cwd`. Raises `UnknownTarget`, `AmbiguousTarget`."""
    entries = _existing(repo)
    entry = _by_branch_or_path(repo, entries, target, cwd)
    if entry is not None:
        return Destination(entry=entry, branch=entry.branch)
    known = branches(repo)
    if target in known.local:
        return Destination(entry=None, branch=target)
    tracked = [target] if target in known.remote else remote_branches(repo, target, known)
    if len(tracked) > 1:
        raise AmbiguousTarget(
            f"the branch {shown(target)} is on several remotes: {', '.join(map(shown, tracked))}",
            hint=f"Say which: bough go {shlex.quote(tracked[0])}",
        )
    if tracked:
        return _of_remote(repo, tracked[0], entries, known)
    entry = _by_name(entries, target)
    if entry is None:
        raise _unknown(target, [*known.local, *known.remote, *_names(entries)])
    return Destination(entry=entry, branch=entry.branch)


def resolve_worktree(repo: Repository, target: str, *, cwd: str) -> WorktreeEntry:
    """The existing worktree that `target` means. Raises `UnknownTarget`, `AmbiguousTarget`."""
    entries = _existing(repo)
    entry = _by_branch_or_path(repo, entries, target, cwd) or _by_name(entries, target)
    if entry is None:
        on_branches = [entry.branch for entry in entries if entry.branch]
        raise _unknown(target, [*on_branches, *_names(entries)])
    return entry


def worktree_of(entries: Sequence[WorktreeEntry], path: str) -> WorktreeEntry | None:
    """The worktree that `path` lies in, the innermost if they are nested."""
    real = os.path.realpath(path)
    holding = [e for e in entries if real == e.path or real.startswith(f"{e.path}/")]
    return max(holding, key=lambda entry: len(entry.path), default=None)


def remember(repo: Repository, path: str) -> None:
    """Note that the person leaves the worktree at `path`, for the next `-`."""
    write_private(f"{own_folder(repo)}/previous", os.fsencode(path))


def previous(repo: Repository) -> str | None:
    """The worktree that was left last; None if that was never noted."""
    try:
        with open(f"{repo.common_dir}/bough/previous", "rb") as file:
            return os.fsdecode(file.read())
    except FileNotFoundError:
        return None


def _existing(repo: Repository) -> list[WorktreeEntry]:
    return [entry for entry in worktrees(repo) if not entry.bare]


def _by_branch_or_path(
    repo: Repository, entries: Sequence[WorktreeEntry], target: str, cwd: str
) -> WorktreeEntry | None:
    if target == "-":
        return _previous_entry(repo, entries)
    for entry in entries:
        if entry.branch == target:
            return entry
    if not target:
        return None
    path = os.path.join(cwd, target)
    if target.startswith(("/", ".")):
        return worktree_of(entries, path)
    real = os.path.realpath(path)
    return next((entry for entry in entries if entry.path == real), None)


def _previous_entry(repo: Repository, entries: Sequence[WorktreeEntry]) -> WorktreeEntry:
    path = previous(repo)
    if path is None:
        raise UnknownTarget(
            "there is no worktree to go back to: you have not left one with bough yet",
            hint="bough list",
        )
    for entry in entries:
        if entry.path == path and os.path.isdir(path):
            return entry
    raise UnknownTarget(
        f"the worktree that you came from is gone: {shown_path(path)}", hint="bough list"
    )


def _of_remote(
    repo: Repository, tracked: str, entries: Sequence[WorktreeEntry], known: Branches
) -> Destination:
    name = local_name(repo, tracked)
    if name not in known.local:
        return Destination(entry=None, branch=name, track=tracked)
    entry = next((entry for entry in entries if entry.branch == name), None)
    return Destination(entry=entry, branch=name)


def _by_name(entries: Sequence[WorktreeEntry], name: str) -> WorktreeEntry | None:
    named = [entry for entry in entries if os.path.basename(entry.path) == name]
    if len(named) > 1:
        paths = ", ".join(shown_path(entry.path) for entry in named)
        raise AmbiguousTarget(
            f"several worktrees lie in a folder called {shown(name)}: {paths}",
            hint="Give the branch or the path.",
        )
    return named[0] if named else None


def _names(entries: Sequence[WorktreeEntry]) -> list[str]:
    return [os.path.basename(entry.path) for entry in entries]


def _unknown(target: str, names: Sequence[str]) -> UnknownTarget:
    close = ", ".join(map(shown, close_names(target, names)))
    return UnknownTarget(
        f"there is no worktree or branch {shown(target)!r}",
        hint=f"Did you mean {close}?" if close else "See what there is: bough list",
    )
