"""The repository's jobs for the `jobs` commands: opened, found by address, shown as data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from bough.coordinator import clock
from bough.coordinator.errors import NotFound
from bough.coordinator.model import Job, Owner
from bough.coordinator.places import StatePlaces, for_repository
from bough.coordinator.store import schemas
from bough.hooks.identity import repo_id
from bough.hooks.repository import Repository, discover
from bough.worktree.cli.session import start_folder

COLUMNS = (
    "invocation", "event", "worktree", "branch", "name", "attempt", "status", "reason",
    "background", "exit_code", "signal", "queued_at", "started_at", "finished_at", "duration_s",
    "log_path", "id", "command", "commit", "worktree_path", "pid", "log_bytes", "log_lines", "tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStore:
    """A repository with its database open for reading; `connection` None: nothing recorded yet."""

    repo: Repository
    places: StatePlaces
    connection: sqlite3.Connection | None

    def required(self) -> sqlite3.Connection:
        """The connection for a command that names a job, which must then exist."""
        if self.connection is None:
            raise NotFound("no job has run in this repository yet", hint="bough start BRANCH")
        return self.connection


@contextmanager
def open_store(context: typer.Context) -> Iterator[JobStore]:
    """The jobs of the repository that the command runs in."""
    repo = discover(start_folder(context))
    places = for_repository(repo_id(repo).value)
    connection = schemas.read_repository(places)
    try:
        yield JobStore(repo=repo, places=places, connection=connection)
    finally:
        if connection is not None:
            connection.close()


def as_data(job: Job, places: StatePlaces) -> dict[str, Any]:
    """The row as every machine format shows it; what is not known is null."""
    return {
        "invocation": job.invocation,
        "event": job.event,
        "worktree": job.worktree_name,
        "branch": job.branch or None,
        "name": job.name,
        "attempt": job.attempt,
        "status": job.status.value,
        "reason": job.reason or None,
        "background": job.owner is Owner.BACKGROUND,
        "exit_code": job.exit_code,
        "signal": job.signal,
        "queued_at": clock.iso(job.queued_at),
        "started_at": _iso(job.started_at),
        "finished_at": _iso(job.finished_at),
        "duration_s": None if took_ms(job) is None else (took_ms(job) or 0) / 1000,
        "log_path": places.absolute(job.log_path) if job.log_path else None,
        "id": job.id,
        "command": job.spec.command_text,
        "commit": job.commit or None,
        "worktree_path": job.worktree_path,
        "pid": job.process.pid if job.process else None,
        "log_bytes": job.log_bytes,
        "log_lines": job.log_lines,
        "tags": list(job.spec.tags),
    }


def took_ms(job: Job) -> int | None:
    """How long the job ran, None while it runs or if it never did."""
    if job.started_at is None or job.finished_at is None:
        return None
    return max(0, job.finished_at - job.started_at)


def _iso(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else clock.iso(milliseconds)
