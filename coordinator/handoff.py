"""The hand-off: an invocation's real environment on its way to its background jobs.

Rows and logs never hold secrets, so what a job really runs with travels in one file per invocation:
mode 0600 in the runtime folder, in place before the rows commit, gone with the invocation's last
job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from bough.coordinator.errors import BoughError
from bough.coordinator.places import private_dir, runtime_root


class HandoffLost(BoughError):
    """The environment is gone, and a job never runs with half of one."""

    code = "HANDOFF_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What one job is executed with, unmasked: the command line and what it adds to `env`."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """The environment of an invocation's background jobs."""

    env: Mapping[str, str]
    umask: int
    jobs: Mapping[str, JobOrder]


def write(invocation: str, handoff: Handoff) -> str:
    """Store it durably under a name of its own and return the path."""
    folder = private_dir(f"{private_dir(runtime_root())}/handoff")
    path = f"{folder}/{invocation}.json"
    data = {
        "env": dict(handoff.env),
        "umask": handoff.umask,
        "jobs": {
            name: {"argv": order.argv, "env": order.env} for name, order in handoff.jobs.items()
        },
    }
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        json.dump(data, file)
    os.rename(f"{path}.new", path)
    return path


def read(path: str) -> Handoff:
    """The hand-off stored at `path`; raises HandoffLost when it is gone or not ours."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise HandoffLost("environment lost", hint="bough jobs retry") from error
    with os.fdopen(fd, encoding="ascii") as file:
        if os.fstat(fd).st_uid != os.geteuid():
            raise HandoffLost("environment lost", hint="bough jobs retry")
        try:
            data = json.load(file)
        except ValueError as error:
            raise HandoffLost("environment lost", hint="bough jobs retry") from error
    return Handoff(
        env=data["env"],
        umask=data["umask"],
        jobs={
            name: JobOrder(
                argv=tuple(order["argv"]),
                env=tuple((key, value) for key, value in order["env"]),
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
