"""No process may outlive the test that started it.

Every process that a test starts inherits the variable BOUGH_TEST_ID with the test's own value, so
a survivor is recognised by its environment, and never by its name or a bare process id. A child
that was only forked shows its parent's old environment; it is recognised by its parent.

A coordinator is meant to stay for a while: it is asked to leave, by the process id in its own
`coordinator.json`, and then has to go. Whatever else is left gets a moment to end by itself, and
then fails the test, is named, and killed.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.support.waiting import wait_until

MARKER = "BOUGH_TEST_ID"
PATIENCE_S = 3.0
"""How long a process may take to end after its test, before it counts as a survivor."""
COORDINATOR_PATIENCE_S = 10.0


_KERNEL_THREADS = 2
"""Their parent on Linux; they never have an environment."""


class Leak(AssertionError):
    """A process survived the test that started it; the message has its command line."""


def snapshot() -> frozenset[int]:
    """The ids of all processes that run now."""
    return frozenset(psutil.pids())


def survivors(marker: str, before: frozenset[int]) -> list[psutil.Process]:
    """The living processes, started since `before`, that belong to the test with `marker`."""
    found = []
    for pid in snapshot() - before:
        try:
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and _belongs(process, marker):
                found.append(process)
        except psutil.Error:
            continue  # it is gone, or it is another user's
    return found


def _belongs(process: psutil.Process, marker: str) -> bool:
    if process.ppid() != os.getpid() and _environment(process).get(MARKER) != marker:
        return False
    # Python's own helper, shared by all tests of this process and gone with it.
    return not any("multiprocessing.resource_tracker" in word for word in process.cmdline())


def _environment(process: psutil.Process) -> dict[str, str]:
    """The environment, waited for: while a process is being executed the kernel shows none."""
    found: dict[str, str] = process.environ()
    if found or process.ppid() == _KERNEL_THREADS:
        return found
    try:
        return wait_until(process.environ, timeout=0.1, what="an environment")
    except AssertionError:
        return {}


def check(marker: str, before: frozenset[int]) -> None:
    """Send the test's coordinators away and raise `Leak` if any process of the test is left."""
    asked: set[psutil.Process] = set()
    calm = 0

    def settled() -> bool:
        nonlocal calm
        if snapshot() <= before:
            return True
        left = survivors(marker, before)
        for process in left:
            if process not in asked and _is_coordinator(process):
                asked.add(process)
                _signal(process, signal.SIGTERM)
        # Twice in a row: what a process forks just before it ends may escape a single look.
        calm = 0 if left else calm + 1
        return calm >= 2

    if _settles(settled, PATIENCE_S) or (asked and _settles(settled, COORDINATOR_PATIENCE_S)):
        return
    left = survivors(marker, before)
    if left:
        names = "\n".join(f"  {_describe(process)}" for process in left)
        for process in left:
            _signal(process, signal.SIGKILL)
        # Not psutil.wait_procs: it would reap a child whose status its Popen still wants.
        _settles(lambda: not survivors(marker, before), COORDINATOR_PATIENCE_S)
        raise Leak(f"these processes survived the test that started them:\n{names}")


def _settles(settled: Callable[[], bool], patience: float) -> bool:
    try:
        return wait_until(settled, timeout=patience, what="the processes of the test to end")
    except AssertionError:
        return False


def _is_coordinator(process: psutil.Process) -> bool:
    """Whether a state folder that `process` itself was told to use names it as coordinator."""
    try:
        state = process.environ().get("BOUGH_STATE_DIR", "")
    except psutil.Error:
        return False
    return bool(state) and any(
        _recorded_pid(info) == process.pid for info in Path(state).glob("repos/*/coordinator.json")
    )


def _recorded_pid(info: Path) -> int | None:
    try:
        found = json.loads(info.read_bytes()).get("pid")
    except (OSError, ValueError, AttributeError):
        return None  # being written, or just removed
    return found if isinstance(found, int) else None


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)  # psutil checks that the id was not reused
    except psutil.NoSuchProcess:
        return


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"{process.pid}: (gone)"
