"""The hand-off: an invocation's real environment on its way to its background jobs.

Rows and logs never hold secrets, so what a job really runs with travels in one file per invocation:
mode 0600 in the runtime folder, in place before the rows commit, gone with the invocation's last
job.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bough.coordinator.errors import BoughError
from bough.coordinator.model import Job, JobFile
from bough.coordinator.places import StatePlaces, private_dir, runtime_root
from bough.coordinator.store import history

_ROWS_FOLLOW_S = 60.0
"""Within what time of its hand-off an invocation has its rows, if it ever gets any."""


class HandoffLost(BoughError):
    """The environment is gone, and a job never runs with half of one."""

    code = "HANDOFF_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What one job is executed with, unmasked: command line, additions to `env`, files."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    files: tuple[JobFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """The environment of an invocation's background jobs."""

    env: Mapping[str, str]
    umask: int
    jobs: Mapping[str, JobOrder]


def write(places: StatePlaces, invocation: str, handoff: Handoff) -> str:
    """Store it under a name of its own and return the path; raises OSError or PlaceError."""
    folder = private_dir(_folder(places))
    path = f"{folder}/{invocation}.json"
    data = {
        "env": dict(handoff.env),
        "umask": handoff.umask,
        "jobs": {
            name: {"argv": order.argv, "env": order.env, "files": [*map(asdict, order.files)]}
            for name, order in handoff.jobs.items()
        },
    }
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            json.dump(data, file)
        os.rename(f"{path}.new", path)
    except OSError:
        os.unlink(f"{path}.new")
        raise
    return path


def _folder(places: StatePlaces) -> str:
    return f"{private_dir(runtime_root())}/handoff-{places.token}"


def read(path: str, job: str) -> tuple[Handoff, JobOrder]:
    """The hand-off at `path`, and what it says of `job`; raises HandoffLost without either."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(fd, encoding="ascii") as file:
            if os.fstat(fd).st_uid != os.geteuid():
                raise PermissionError(f"{path} belongs to another user")
            found = _handoff(json.load(file))
        return found, found.jobs[job]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise HandoffLost("environment lost", hint="bough jobs retry") from error


def _handoff(data: dict[str, Any]) -> Handoff:
    return Handoff(
        env=data["env"],
        umask=data["umask"],
        jobs={
            name: JobOrder(
                argv=tuple(order["argv"]),
                env=tuple((key, value) for key, value in order["env"]),
                files=tuple(JobFile(**file) for file in order["files"]),
            )
            for name, order in data["jobs"].items()
        },
    )


def discard(path: str) -> None:
    """Remove a hand-off whose invocation has no work left; a missing one is no error."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def settle(connection: sqlite3.Connection, job: Job) -> None:
    """Remove the hand-off of the invocation of a job that has ended, if it was the last."""
    if job.handoff_path and not history.has_background_work(connection, job.invocation):
        discard(job.handoff_path)


def discard_leftovers(places: StatePlaces, connection: sqlite3.Connection) -> None:
    """Remove what was left by somebody who was killed before he could.

    The hand-off of an invocation without rows is about to get some, unless it is old.
    """
    folder = _folder(places)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = f"{folder}/{name}"
        invocation = name.partition(".")[0]
        if history.known(connection, invocation):
            wanted = history.has_background_work(connection, invocation)
        else:
            wanted = time.time() - os.stat(path).st_mtime < _ROWS_FOLLOW_S
        if not wanted:
            discard(path)
