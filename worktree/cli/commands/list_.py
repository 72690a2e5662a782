"""`bough list`: every worktree with its state, its distance to its base, and its jobs."""

from __future__ import annotations

import os
from typing import Any

import typer

from bough.coordinator import clock
from bough.coordinator.errors import BoughError, Exit
from bough.coordinator.places import StatePlaces, for_repository
from bough.coordinator.store import history, schemas
from bough.hooks.errors import shown
from bough.hooks.git import require_git
from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
from bough.worktree import listing
from bough.worktree.cli.context import start_folder
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.notices import tell_when_done
from bough.worktree.cli.options import OutputFormat
from bough.worktree.cli.terminal import age, harmless, say
from bough.worktree.listing import Distance, Row

COLUMNS = (
    "branch", "path", "head", "main", "current", "missing", "locked", "prunable", "detached",
    "staged", "unstaged", "untracked", "conflicts", "paused", "upstream", "upstream_ahead",
    "upstream_behind", "base", "base_ahead", "base_behind", "last_commit_at", "jobs_active",
    "jobs_failed",
)  # fmt: skip


def list_(context: typer.Context, format_: OutputFormat = Format.TABLE) -> int:
    """List the worktrees of this repository."""
    require_git()
    cwd = start_folder(context)
    repo = discover(cwd)
    rows = listing.rows(repo)
    places = for_repository(repo_id(repo).value)
    tell_when_done(context, places, format_)
    jobs = _jobs(places)
    here = os.path.realpath(cwd)
    if format_ is Format.TABLE:
        _draw(rows, jobs, here)
    else:
        write([_data(row, jobs, here) for row in rows], COLUMNS, format_)
    return Exit.OK


def _jobs(places: StatePlaces) -> dict[str, tuple[int, int]] | None:
    """(active, failed) by worktree path; None when the database cannot say."""
    try:
        connection = schemas.read_repository(places)
        if connection is None:
            return {}
        try:
            return history.worktree_counts(connection)
        finally:
            connection.close()
    except BoughError as error:
        say(f"bough: the jobs are not known: {error.message}")
        return None


def _data(row: Row, jobs: dict[str, tuple[int, int]] | None, here: str) -> dict[str, Any]:
    entry, changes = row.entry, row.changes
    active, failed = (None, None) if jobs is None else jobs.get(entry.path, (0, 0))
    return {
        "branch": entry.branch,
        "path": entry.path,
        "head": entry.head,
        "main": entry.is_main,
        "current": _is_here(entry.path, here),
        "missing": row.missing,
        "locked": entry.locked,
        "prunable": entry.prunable,
        "detached": entry.detached,
        "staged": changes.staged if changes else None,
        "unstaged": changes.unstaged if changes else None,
        "untracked": changes.untracked if changes else None,
        "conflicts": changes.conflicts if changes else None,
        "paused": row.paused,
        "upstream": row.upstream,
        "upstream_ahead": row.to_upstream.ahead if row.to_upstream else None,
        "upstream_behind": row.to_upstream.behind if row.to_upstream else None,
        "base": row.base,
        "base_ahead": row.to_base.ahead if row.to_base else None,
        "base_behind": row.to_base.behind if row.to_base else None,
        "last_commit_at": None if row.last_commit_at is None else clock.iso(row.last_commit_at),
        "jobs_active": active,
        "jobs_failed": failed,
    }


def _draw(rows: list[Row], jobs: dict[str, tuple[int, int]] | None, here: str) -> None:
    now = clock.now_ms()
    lines = []
    for row in rows:
        entry = row.entry
        name = shown(entry.branch or f"({(entry.head or 'no commit')[:9]})")
        lines.append(
            [
                "@" if _is_here(entry.path, here) else " ",
                name,
                _state(row),
                _distance(row.base, row.to_base),
                _distance(row.upstream, row.to_upstream),
                _job_words((jobs or {}).get(entry.path)) if jobs is not None else "?",
                "-" if row.last_commit_at is None else age(now - row.last_commit_at),
                harmless(entry.path),
            ]
        )
    write_table(("", "branch", "state", "base", "upstream", "jobs", "age", "path"), lines)


def _is_here(path: str, here: str) -> bool:
    return here == path or here.startswith(f"{path}/")


def _state(row: Row) -> str:
    entry = row.entry
    words = []
    if row.missing:
        words.append("folder gone")
    elif row.changes is None:
        words.append("?")
    elif not row.changes.clean:
        words.append(str(row.changes))
    if row.paused:
        words.append(row.paused)
    if entry.locked is not None:
        words.append("locked")
    if entry.detached:
        words.append("detached")
    return ", ".join(words) or "clean"


def _distance(name: str | None, distance: Distance | None) -> str:
    if name is None or distance is None:
        return ""
    steps = [
        f"{sign}{number}"
        for sign, number in (("↑", distance.ahead), ("↓", distance.behind))
        if number
    ]
    return f"{shown(name)} {' '.join(steps) or '='}"


def _job_words(counts: tuple[int, int] | None) -> str:
    active, failed = counts or (0, 0)
    words = [f"{active} running"] if active else []
    words += [f"{failed} failed"] if failed else []
    return ", ".join(words)
