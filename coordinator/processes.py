"""Processes by identity: who a pid is, whether it still is, and how a job's group is ended.

Invariant: no signal is sent to a group before its leader, as the row recorded it, was compared with
what the kernel says now. A pid that belongs to somebody else by now is left alone.
"""

from __future__ import annotations

import os
import signal
import time
from enum import StrEnum

from bough.coordinator import kernel
from bough.coordinator.model import ProcessIdentity

_POLL_S = 0.02


class Standing(StrEnum):
    """What a recorded process group is to us now."""

    OURS = "ours"
    GONE = "gone"
    FOREIGN = "foreign"
    """The pid is another process's by now, or the row is of another boot or pid namespace."""


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a living process, or None when there is none with this pid."""
    ticks = kernel.start_ticks(pid)
    if ticks is None:
        return None
    return ProcessIdentity(pid=pid, start_ticks=ticks, boot_id=kernel.boot_id())


def own_identity() -> ProcessIdentity:
    """The identity of the process that asks."""
    ticks = kernel.start_ticks(os.getpid())
    assert ticks is not None, "a process that runs has a start time"
    return ProcessIdentity(pid=os.getpid(), start_ticks=ticks, boot_id=kernel.boot_id())


def alive(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs."""
    return (
        identity.boot_id == kernel.boot_id()
        and kernel.start_ticks(identity.pid) == identity.start_ticks
    )


def group_standing(leader: ProcessIdentity, pgid: int) -> Standing:
    """What the group that `leader` was started to lead is now.

    While any member lives, the kernel gives its number to no new process; so members without a
    living leader are still the job's own.
    """
    if leader.boot_id != kernel.boot_id():
        return Standing.FOREIGN
    ticks = kernel.start_ticks(leader.pid)
    if ticks is not None and ticks != leader.start_ticks:
        return Standing.FOREIGN
    return Standing.OURS if kernel.group_members(pgid) else Standing.GONE


def signal_group(leader: ProcessIdentity, pgid: int, number: signal.Signals) -> Standing:
    """Send a signal to a job's group if it still is the job's; the standing tells."""
    standing = group_standing(leader, pgid)
    if standing is Standing.OURS:
        try:
            os.killpg(pgid, number)
        except ProcessLookupError:
            return Standing.GONE
    return standing


def stop_group(leader: ProcessIdentity, pgid: int, grace_ms: int) -> Standing:
    """TERM, wait up to `grace_ms`, KILL, and return when the group is confirmed dead (GONE).

    FOREIGN: nothing was signalled. OURS: it outlived even SIGKILL for five seconds (a process in
    uninterruptible sleep), and the caller must not call it dead.
    """
    standing = signal_group(leader, pgid, signal.SIGTERM)
    standing = _until_gone(leader, pgid, standing, grace_ms / 1000)
    if standing is Standing.OURS:
        standing = signal_group(leader, pgid, signal.SIGKILL)
        standing = _until_gone(leader, pgid, standing, 5.0)
    return standing


def _until_gone(leader: ProcessIdentity, pgid: int, standing: Standing, seconds: float) -> Standing:
    deadline = time.monotonic() + seconds
    while standing is Standing.OURS and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        standing = group_standing(leader, pgid)
    return standing
