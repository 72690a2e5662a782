"""The one way to wait in a test, and the only place that sleeps.

A fixed sleep is either too long or too short; a predicate is neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.01

T = TypeVar("T")


def wait_until(predicate: Callable[[], T | None], timeout: float = 10.0, what: str = "") -> T:
    """Call `predicate` every 10 ms until its value is true, and return that value.

    Raises AssertionError, naming `what`, when `timeout` seconds have passed; the predicate has
    then been tried once more after the deadline, so that a stalled machine does not decide.
    """
    deadline = time.monotonic() + timeout
    while True:
        expired = time.monotonic() >= deadline
        value = predicate()
        if value:
            return value
        if expired:
            name = what or getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"waited {timeout:g} s in vain for: {name}")
        time.sleep(POLL_S)
