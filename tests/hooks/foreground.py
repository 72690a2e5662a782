"""A command that runs foreground jobs, in this process or in a fork of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from bough.coordinator.attachment import Attachment
from bough.coordinator.handoff import JobOrder
from bough.coordinator.model import Job, NewJob
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import schemas
from bough.hooks.happenings import Ended, Happening, Noted, Observer, Started
from bough.hooks.runner import Runner, Surroundings
from tests.support.engine import (
    Engine,
    exit_of,
    forked,
    new_invocation,
)
from tests.support.waiting import wait_until

STUBBORN = "trap '' TERM; (trap '' TERM; sleep 60) & touch ready; wait; sleep 60"
WAIT = "while [ ! -e go ]; do sleep 0.01; done"


class Command:
    """What a firing does once its plan is made, and what it was told meanwhile."""

    def __init__(self, engine: Engine, **env: str) -> None:
        self.engine = engine
        self.env = {**os.environ, **env}
        self.seen: list[Happening] = []
        self.react: Observer = lambda _happening: None
        self.interrupts = 0

    def observe(self, happening: Happening) -> None:
        self.seen.append(happening)
        self.react(happening)

    def insert(self, connection: sqlite3.Connection, *jobs: NewJob) -> tuple[Job, ...]:
        return rows.insert(connection, new_invocation(), jobs, "command")

    def run(self, *jobs: NewJob) -> dict[str, Job]:
        """The jobs by name, as they are when the command is done with them."""
        with closing(schemas.write_repository(self.engine.places)) as connection:
            return self.drive(connection, self.insert(connection, *jobs))

    def drive(
        self,
        connection: sqlite3.Connection,
        planned: tuple[Job, ...],
        attachment: Attachment | None = None,
    ) -> dict[str, Job]:
        orders = {job.name: JobOrder(argv=job.spec.argv, env=job.spec.env) for job in planned}
        runner = Runner(
            self.engine.places,
            connection,
            planned,
            Surroundings(env=self.env, umask=0o022, orders=orders),
            attachment,
            self.observe,
        )
        try:
            return {job.name: job for job in runner.run()}
        finally:
            self.interrupts = runner.interrupts

    def told(self, kind: type[Started | Ended]) -> list[str]:
        return [happening.job.name for happening in self.seen if isinstance(happening, kind)]

    def ended(self) -> list[tuple[str, str, bool]]:
        return [
            (happening.job.name, happening.job.status.value, happening.retrying)
            for happening in self.seen
            if isinstance(happening, Ended)
        ]

    def notes(self) -> list[str]:
        return [happening.text for happening in self.seen if isinstance(happening, Noted)]


class Fork:
    """A command in a process and session of its own."""

    def __init__(self, engine: Engine, *jobs: NewJob) -> None:
        self.engine = engine
        with engine.writing():  # its rows can be asked for before it has made any
            self.pid = forked(lambda: self._run(Command(engine), *jobs))

    def _run(self, command: Command, *jobs: NewJob) -> None:
        command.run(*jobs)
        Path("interrupts").write_text(str(command.interrupts))

    def running(self, *names: str) -> None:
        wait_until(Path("ready").exists, what="the job to be ready")
        for name in names:
            self.engine.reaches(name, "running")

    def press(self, number: signal.Signals = signal.SIGINT) -> None:
        os.killpg(self.pid, number)

    def end(self) -> str:
        """How often it was interrupted."""
        assert exit_of(self.pid) == 0
        return Path("interrupts").read_text()


def statuses(jobs: dict[str, Job]) -> dict[str, str]:
    """The jobs by name, each with what it came to."""
    return {name: job.status.value for name, job in jobs.items()}
