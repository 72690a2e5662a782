"""Run a test's subject without root's privileges, so that permissions mean something.

Root may read and write anything, so a test of a read-only folder would prove nothing under it. The
subject runs in a fork that has given up every capability for itself and for all that it executes.
It keeps its user id, and with it the test's own folders; what a mode forbids to the owner is
forbidden to it. For a folder of somebody else, `chown` it before.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522


def as_unprivileged_user(function: Callable[[], T]) -> T:
    """Return what `function` returns when it runs as an ordinary user.

    Runs it right here unless the suite runs as root. Otherwise its value has to survive pickling;
    an exception in it is raised as AssertionError with its traceback.
    """
    if os.geteuid() != 0:
        return function()
    if not sys.platform.startswith("linux"):
        pytest.skip("run as root, and only Linux lets root give up its privileges one by one")
    succeeded, value = _in_fork(function)
    if not succeeded:
        raise AssertionError(f"in the unprivileged process:\n{value}")
    result: T = value
    return result


def _in_fork(function: Callable[[], object]) -> tuple[bool, Any]:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The child only calls the function and leaves; no lock of another thread is met.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(reader)
        _answer_and_exit(function, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    return pickle.loads(data) if data else (False, "it died without an answer")  # noqa: S301 - our own child wrote it


def _answer_and_exit(function: Callable[[], object], writer: int) -> None:
    try:
        _drop_capabilities()
        answer = pickle.dumps((True, function()))
    except BaseException:  # noqa: BLE001 - a fork must never return into pytest
        answer = pickle.dumps((False, traceback.format_exc()))
    with os.fdopen(writer, "wb") as stream:
        stream.write(answer)
    os._exit(0)


def _drop_capabilities() -> None:
    """Empty the bounding set, for what is executed, and then the sets of this very process."""
    libc = ctypes.CDLL(None, use_errno=True)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot drop a capability")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up the capabilities")
