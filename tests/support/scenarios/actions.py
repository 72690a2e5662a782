"""What the steps of a scenario do. Only a step that runs, or awaits, a command has an outcome."""

from __future__ import annotations

import signal

from tests.support.repos import Repo, write_files
from tests.support.running import Ended, Running
from tests.support.scenarios import killing, rows
from tests.support.scenarios.schema import (
    Action,
    Age,
    Commit,
    Kill,
    Rows,
    Run,
    Signal,
    Wait,
    Write,
)
from tests.support.scenarios.world import World

SHELLS = {
    "sh": ["/bin/sh", "-ec"],
    "bash": ["bash", "--norc", "--noprofile", "-ec"],
    "zsh": ["zsh", "--no-rcs", "-ec"],
    "fish": ["fish", "--no-config", "-c"],
}
"""How a command line is run: nothing of a person's set-up, and a failing line ends it."""


def perform(world: World, action: Action) -> Ended | None:
    """Do one thing; the outcome of the command that ended with it, if any. Raises StepFailed."""
    match action:
        case Run():
            return _run(world, action)
        case Wait():
            ended = world.command(action.step).finish(action.timeout)
            del world.commands[action.step]
            return ended
        case Signal():
            world.command(action.step).signal(signal.Signals[f"SIG{action.signal}"])
        case Write():
            write_files(world.folder(action.folder), action.files)
        case Commit():
            Repo(path=world.folder(action.folder)).commit(action.files)
        case Kill():
            killing.kill(world, action)
        case Rows():
            rows.insert(world, action)
        case Age():
            rows.age(world, action)
    return None


def _run(world: World, action: Run) -> Ended | None:
    env = {name: world.fill(value) for name, value in action.env.items()}
    running = Running(
        [*SHELLS[action.shell], world.fill(action.command)],
        cwd=world.folder(action.folder),
        env={**world.environment(), **env},
        stdin=None if action.stdin is None else world.fill(action.stdin),
        tty=action.tty,
    )
    if action.background is None:
        return running.finish(action.timeout)
    world.commands[action.background] = running
    return None
