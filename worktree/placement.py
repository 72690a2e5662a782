"""The folder of a worktree that is to be created, and every reason why it cannot be that one.

Looks at the file system and touches nothing.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bough.hooks.errors import shown
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository, WorktreeEntry, folder, repo_name
from bough.worktree.errors import PathOccupied
from bough.worktree.layouts import NESTED_FOLDER, worktree_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where worktrees go: a layout's name or template, and bough's data folder (absolute)."""

    layout: str
    data_dir: str


def free_path(
    repo: Repository, branch: str, placement: Placement, entries: Sequence[WorktreeEntry]
) -> str:
    """The real path for `branch`'s worktree, which is free. Raises `PathOccupied`, `UsageError`.

    A name that differs from a neighbour's only by case gets some digits of its hash: on many file
    systems the two would be one.
    """
    path = _path(repo, branch, placement, distinct=False)
    if _case_twin(path, entries):
        path = _path(repo, branch, placement, distinct=True)
        twin = _case_twin(path, entries)
        if twin:
            raise PathOccupied(
                f"{shown_path(path)} differs from {shown_path(twin)} only by case",
                hint="Use a layout with {branch_slug}, or another name for the branch.",
            )
    _refuse_occupied(path, entries)
    return path


def exclude_line(repo: Repository, path: str) -> str | None:
    """What `.git/info/exclude` must say so that the main worktree does not see one inside it."""
    main = folder(repo)
    if repo.bare or not path.startswith(f"{main}/"):
        return None
    inside = path.removeprefix(f"{main}/")
    if inside.startswith(f"{NESTED_FOLDER}/"):
        return f"/{NESTED_FOLDER}/"
    return f"/{inside}/"


def missing_parents(path: str) -> list[str]:
    """The folders above `path` that do not exist, the innermost first."""
    missing = []
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    return missing


def _path(repo: Repository, branch: str, placement: Placement, *, distinct: bool) -> str:
    path = worktree_path(
        os.path.expanduser(placement.layout),
        repo_name=repo_name(repo),
        repo_path=folder(repo),
        branch=branch,
        data_dir=placement.data_dir,
        distinct=distinct,
    )
    # The form in which git will list it, for comparisons; the last part may be a link of its own.
    parent, name = os.path.split(path)
    return os.path.join(os.path.realpath(parent), name)


def _case_twin(path: str, entries: Iterable[WorktreeEntry]) -> str | None:
    parent = os.path.dirname(path)
    try:
        neighbours = [os.path.join(parent, name) for name in os.listdir(parent)]
    except OSError:
        neighbours = []
    for other in [*neighbours, *(entry.path for entry in entries)]:
        if other != path and other.casefold() == path.casefold():
            return other
    return None


def _refuse_occupied(path: str, entries: Iterable[WorktreeEntry]) -> None:
    _refuse_registered(path, entries)
    if os.path.islink(path):
        why = "a symbolic link lies there"
    elif os.path.isdir(path):
        why = "a folder that is not empty lies there" if _has_content(path) else ""
    else:
        why = "a file lies there" if os.path.lexists(path) else ""
    if why:
        raise PathOccupied(
            f"the worktree cannot be created at {shown_path(path)}: {why}",
            hint=f"Move it away, or choose another place with --layout: ls -ld {shlex.quote(path)}",
        )
    existing = os.path.dirname(path)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing) or not os.access(existing, os.W_OK | os.X_OK):
        raise PathOccupied(
            f"the worktree cannot be created at {shown_path(path)}: "
            f"{shown_path(existing)} is not a folder that you can write",
            hint="Choose another place with --layout.",
        )


def _refuse_registered(path: str, entries: Iterable[WorktreeEntry]) -> None:
    for entry in entries:
        if entry.path != path:
            continue
        if os.path.lexists(path):
            raise PathOccupied(
                f"{shown_path(path)} is already the worktree of "
                f"{shown(entry.branch or 'a commit')}",
                hint=f"bough go {shlex.quote(path)}",
            )
        raise PathOccupied(
            f"{shown_path(path)} is registered as a worktree, but the folder is gone",
            hint="Let git forget it: git worktree prune"
            + (" (it is locked: git worktree unlock first)" if entry.locked is not None else ""),
        )


def _has_content(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(True for _ in entries)
    except OSError:
        return True  # not ours to look into, so not ours to use
