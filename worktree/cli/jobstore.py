"""The repository's jobs for the `jobs` commands: opened, found by address, shown as data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import typer

from bough.coordinator import clock
from bough.coordinator.errors import Ambiguous, NotFound
from bough.coordinator.model import Job, Owner
from bough.coordinator.places import StatePlaces, for_repository
from bough.coordinator.store import history, schemas
from bough.coordinator.store.history import Filter
from bough.hooks.errors import shown
from bough.hooks.identity import repo_id
from bough.hooks.repository import Repository, discover, worktrees
from bough.worktree.cli.context import start_folder
from bough.worktree.cli.formats import Format
from bough.worktree.cli.notices import tell_when_done
from bough.worktree.switching import worktree_of

COLUMNS = (
    "invocation", "event", "worktree", "branch", "name", "attempt", "status", "reason",
    "background", "exit_code", "signal", "queued_at", "started_at", "finished_at", "duration_s",
    "log_path", "id", "command", "commit", "worktree_path", "pid", "log_bytes", "log_lines", "tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStore:
    """A repository with its database open for reading; `connection` None: nothing recorded yet.

    `here` is the worktree that the command runs in, None outside of all.
    """

    repo: Repository
    here: str | None
    places: StatePlaces
    connection: sqlite3.Connection | None

    def find(self, address: str, *, alive: bool = False) -> Job:
        """The job that `address` means. A bare name is looked for in this worktree first.

        With `alive` one that has not ended is preferred; several of them elsewhere: Ambiguous.
        """
        connection = self.required()
        job = history.find(connection, address)
        if address not in {job.name, f"{job.name}#{job.attempt}"}:
            return job
        attempt = None if address == job.name else job.attempt
        named = Filter(name=job.name, attempt=attempt)
        here = replace(named, worktree_path=self.here)
        if alive:
            active = history.active(connection, here) or history.active(connection, named)
            if len({found.worktree_path for found in active}) > 1:
                raise _ambiguous(address, active)
            if active:
                return active[0]
        return next(iter(history.page(connection, here, limit=1).jobs), job)

    def required(self) -> sqlite3.Connection:
        """The connection for a command that names a job, which must then exist."""
        if self.connection is None:
            raise NotFound("no job has run in this repository yet", hint="bough start BRANCH")
        return self.connection


def _ambiguous(address: str, jobs: tuple[Job, ...]) -> Ambiguous:
    candidates = ", ".join(f"{job.address} ({shown(job.worktree_name)})" for job in jobs)
    return Ambiguous(
        f"{shown(address)} runs in several worktrees: {candidates}",
        hint="Give one of these in full.",
    )


@contextmanager
def open_store(context: typer.Context, format_: Format = Format.TABLE) -> Iterator[JobStore]:
    """The jobs of the repository that the command runs in, for output in this format."""
    repo = discover(start_folder(context))
    entry = worktree_of(worktrees(repo), start_folder(context))
    places = for_repository(repo_id(repo).value)
    tell_when_done(context, places, format_)
    connection = schemas.read_repository(places)
    try:
        yield JobStore(
            repo=repo,
            here=entry.path if entry else None,
            places=places,
            connection=connection,
        )
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
