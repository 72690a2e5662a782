"""Where the rows and logs of one firing go: the repository's database, or one in memory without it.

A read-only home, a full disk or a newer schema must not keep a gate from deciding: then rows live
in memory and logs in a temporary folder, which stays if a job failed or the command did. What the
coordinator cannot be handed runs in the foreground.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bough.coordinator import handoff
from bough.coordinator.errors import BoughError, StoreError
from bough.coordinator.handoff import Handoff
from bough.coordinator.model import Job, NewInvocation, NewJob, Owner
from bough.coordinator.places import PlaceError, StatePlaces
from bough.coordinator.secrets import is_secret_name, mask_text, secret_values
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import schemas
from bough.hooks.happenings import Noted, Observer


class Ledger:
    """Where the rows of one firing go; a context manager over its `connection`."""

    connection: sqlite3.Connection

    def __init__(self, repository: StatePlaces, observe: Observer) -> None:
        self._temporary = ""
        self._observe = observe
        self._failed = False
        self.places = repository
        try:
            self.connection = schemas.write_repository(repository)
        except (StoreError, PlaceError) as error:
            self._start_scratch(error)

    @property
    def scratch(self) -> bool:
        """Whether this is the one in memory."""
        return bool(self._temporary)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: object, *_exc: object) -> None:
        self.connection.close()
        if not self._temporary:
            return
        if kind is None and not self._failed:
            shutil.rmtree(self._temporary, ignore_errors=True)
        else:
            self._observe(Noted(text=f"the logs of this run are in {self._temporary}"))

    def give_up(self, error: BoughError) -> None:
        """Go on in memory, with a word about it: the repository's database failed."""
        self.connection.close()
        self._start_scratch(error)

    def _start_scratch(self, error: BoughError) -> None:
        self._observe(
            Noted(text=f"nothing is recorded this time: {error.message}", hint=error.hint)
        )
        self._temporary = tempfile.mkdtemp(prefix="bough-")
        self.places = StatePlaces(root=self._temporary)
        self.connection = schemas.write_scratch()

    def record(
        self, invocation: NewInvocation, jobs: Sequence[NewJob], environment: Handoff, by: str
    ) -> tuple[Job, ...]:
        """Write all rows, and before them the hand-off if any of the jobs is a background one."""
        if self.scratch:
            return rows.insert(self.connection, invocation, _in_foreground(jobs), by)
        path = ""
        if any(job.owner is Owner.BACKGROUND and job.skip is None for job in jobs):
            try:
                path = handoff.write(self.places, invocation.id, environment)
            except (OSError, PlaceError) as error:
                self._observe(Noted(text=f"background jobs run in the foreground: {error}"))
                jobs = _in_foreground(jobs)
        try:
            return rows.insert(self.connection, replace(invocation, handoff_path=path), jobs, by)
        except BaseException as error:
            if path:
                handoff.discard(path)
            if not isinstance(error, StoreError):
                raise
            self.give_up(error)
            return rows.insert(self.connection, invocation, _in_foreground(jobs), by)

    def ended(self, jobs: Iterable[Job]) -> None:
        """Note what came of the jobs: the logs of failures are kept."""
        self._failed = any(job.status.failure for job in jobs)


def _in_foreground(jobs: Iterable[NewJob]) -> list[NewJob]:
    return [replace(job, owner=Owner.FOREGROUND) for job in jobs]


def presentable(job: NewJob, env: Mapping[str, str]) -> NewJob:
    """The job as its row may show it: no value of a secret name, and none inside other texts."""
    spec = job.spec
    hidden = secret_values({**env, **dict(spec.env)})
    return replace(
        job,
        reason=mask_text(job.reason, hidden),
        spec=replace(
            spec,
            argv=tuple(mask_text(word, hidden) for word in spec.argv),
            command_text=mask_text(spec.command_text, hidden),
            env=tuple(
                (name, mask_text(value, hidden))
                for name, value in spec.env
                if not is_secret_name(name)
            ),
            files=tuple(replace(file, text="") for file in spec.files),
        ),
    )
