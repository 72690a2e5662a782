"""The rows of `bough list`: what is known about every worktree.

The number of git processes is bounded: a handful for the repository, and at most two for a
worktree, in a pool of the size of the machine. Whatever cannot be found out is None, never a guess.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bough.hooks.git import GitError, git
from bough.hooks.repository import (
    HEADS,
    Repository,
    WorktreeEntry,
    admin_dir,
    default_branch,
    worktrees,
)
from bough.worktree.branches import REMOTES, all_bases
from bough.worktree.changes import Changes
from bough.worktree.status import paused_operation, read_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """Commits on the one side alone and on the other side alone."""

    ahead: int
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One worktree. `upstream` and `base` are the branches that the distances count from.

    None: there is none, or it is not known. `missing`: the folder is gone.
    """

    entry: WorktreeEntry
    missing: bool
    changes: Changes | None
    paused: str | None
    upstream: str | None
    to_upstream: Distance | None
    base: str | None
    to_base: Distance | None
    last_commit_at: int | None
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ref:
    commit: str
    committed_at: int
    upstream: str | None
    to_upstream: Distance | None


def rows(repo: Repository) -> list[Row]:
    """A row for each worktree, the main one first. A bare repository itself is no worktree."""
    entries = [entry for entry in worktrees(repo) if not entry.bare]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        changes = [pool.submit(_changes, entry) for entry in entries]
        bases = _bases(repo, entries)
        refs = _refs(repo, {entry.branch for entry in entries} | set(bases.values()))
        distances = [
            pool.submit(_distance, repo, entry, refs.get(bases.get(entry.path)))
            for entry in entries
        ]
        detached = _commit_times(repo, [e.head for e in entries if e.detached and e.head])
        return [
            _row(
                repo,
                entry,
                changes=change.result(),
                ref=refs.get(entry.branch),
                base=bases.get(entry.path),
                to_base=distance.result(),
                detached_at=detached.get(entry.head or ""),
            )
            for entry, change, distance in zip(entries, changes, distances, strict=True)
        ]


def _row(
    repo: Repository,
    entry: WorktreeEntry,
    *,
    changes: Changes | None,
    ref: _Ref | None,
    base: str | None,
    to_base: Distance | None,
    detached_at: int | None,
) -> Row:
    known_folder = entry.is_main or entry.admin_id
    return Row(
        entry=entry,
        missing=not os.path.isdir(entry.path),
        changes=changes,
        paused=paused_operation(admin_dir(repo, entry)) if known_folder else None,
        upstream=ref.upstream if ref else None,
        to_upstream=ref.to_upstream if ref else None,
        base=base,
        to_base=to_base,
        last_commit_at=ref.committed_at if ref else detached_at,
    )


def _changes(entry: WorktreeEntry) -> Changes | None:
    if not os.path.isdir(entry.path):
        return None
    try:
        return read_changes(entry.path)
    except GitError:
        return None


def _bases(repo: Repository, entries: Sequence[WorktreeEntry]) -> dict[str, str]:
    """The branch that each worktree's own is compared with, by path: its base, else the default."""
    default = default_branch(repo)
    remembered = all_bases(repo)
    found = {entry.path: remembered.get(entry.branch or "", default) for entry in entries}
    return {e.path: base for e in entries if (base := found[e.path]) and base != e.branch}


def _refs(repo: Repository, names: set[str | None]) -> dict[str | None, _Ref]:
    """What there is to know about branches, local or `origin/x`, by one call of git."""
    wanted = [name for name in names if name]
    if not wanted:
        return {}
    fields = ("refname", "objectname", "committerdate:unix", "upstream", "upstream:track,nobracket")
    lines = git(
        *("for-each-ref", "--format=" + "%00".join(f"%({field})" for field in fields)),
        *(f"{folder}{name}" for name in wanted for folder in (REMOTES, HEADS)),
        cwd=repo.cwd,
    ).lines
    found: dict[str | None, _Ref] = {}
    for line in sorted(lines, reverse=True):  # local branches win over remote-tracking ones
        name, commit, time, upstream, track = line.split("\0")
        found[name.removeprefix(REMOTES).removeprefix(HEADS)] = _Ref(
            commit=commit,
            committed_at=int(time) * 1000,
            upstream=upstream.removeprefix(REMOTES).removeprefix(HEADS) or None,
            to_upstream=_tracked(track) if upstream else None,
        )
    return found


def _tracked(track: str) -> Distance | None:
    """`ahead 1, behind 2`, either alone, nothing when level, `gone` when the branch is."""
    if track == "gone":
        return None
    counts = dict(part.split(" ") for part in track.split(", ") if part)
    return Distance(ahead=int(counts.get("ahead", 0)), behind=int(counts.get("behind", 0)))


def _distance(repo: Repository, entry: WorktreeEntry, base: _Ref | None) -> Distance | None:
    if base is None or entry.head is None:
        return None
    if base.commit == entry.head:
        return Distance(ahead=0, behind=0)
    range_ = f"{base.commit}...{entry.head}"
    try:
        answer = git("rev-list", "--left-right", "--count", range_, cwd=repo.cwd)
    except GitError:
        return None
    behind, ahead = answer.text.split("\t")
    return Distance(ahead=int(ahead), behind=int(behind))


def _commit_times(repo: Repository, commits: Sequence[str]) -> dict[str, int]:
    if not commits:
        return {}
    answer = git(
        "rev-list", "--no-walk=unsorted", "--timestamp", *commits, cwd=repo.cwd, check=False
    )
    pairs = (line.split(" ") for line in answer.lines)
    return {commit: int(time) * 1000 for time, commit in pairs}
