"""The command's side of the hand-over: tell the coordinator that there is work, or start one.

Rows are committed before this is called, so a coordinator that misses the call finds them anyway.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bough.coordinator.errors import CoordinatorError
from bough.coordinator.ipc import client
from bough.coordinator.places import StatePlaces

_PASSED_ON = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PATH",
    "TMPDIR",
    "USER",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
"""All that the coordinator needs of an environment: it must not keep anybody's secrets."""


def wake(places: StatePlaces) -> None:
    """Have the queue looked at; returns as soon as that is certain to happen, not when it has.

    Raises CoordinatorError when a coordinator is there and hangs, or none can be started.
    """
    connection = client.connect(places)
    if connection is not None:
        with connection:
            try:
                connection.ask("Wake")
                return
            except CoordinatorError as error:
                if error.hint:
                    raise
                # It was leaving; the next one is on us.
    start(places)


def start(places: StatePlaces) -> None:
    """Spawn a coordinator for the repository and do not wait for it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or (name.startswith("BOUGH_") and name.endswith("_DIR"))
    }
    environment |= {
        name: value for name, value in os.environ.items() if name.startswith("BOUGH_TEST_")
    }
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bough.coordinator", places.root],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        raise CoordinatorError(
            f"cannot start the coordinator: {error.strerror}",
            hint="The jobs stay queued; the next bough command tries again.",
        ) from error
    # Not waited for: it outlives this process. Without this, Popen complains when collected.
    process.returncode = 0
