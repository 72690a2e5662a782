"""Processes are known by identity: nothing is signalled on the strength of a number."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bough.coordinator import kernel, processes
from bough.coordinator.model import ProcessIdentity
from bough.coordinator.processes import Standing
from tests.support.engine import dead_process, gone, group_gone
from tests.support.waiting import wait_until


@contextmanager
def group(script: str) -> Iterator[ProcessIdentity]:
    """The leader of a session of its own that runs `script`; reaped at the end."""
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdin is not None
        assert leader.stdout.readline() == b"ready\n"
        identity = processes.identify(leader.pid)
        assert identity is not None
        leader.stdin.close()
        try:
            yield identity
        finally:
            if kernel.group_members(leader.pid):
                os.killpg(leader.pid, signal.SIGKILL)
            group_gone(leader.pid)


CHILDREN = "sleep 60 & sleep 60 & echo ready; wait"
STUBBORN = "trap '' TERM; (trap '' TERM; sleep 60) & echo ready; wait"


def test_this_process_is_alive_and_a_dead_one_is_not() -> None:
    assert processes.alive(processes.own_identity())
    dead = dead_process()
    assert not processes.alive(dead)
    assert processes.identify(dead.pid) is None


def test_a_zombie_is_not_alive() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    identity = processes.identify(pid)
    assert identity is not None
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    assert not processes.alive(identity)
    assert processes.identify(pid) is None
    os.waitpid(pid, 0)


def test_an_identity_is_the_same_whoever_asks_and_another_for_another_process() -> None:
    with group("echo ready; exec sleep 60") as one, group("echo ready; exec sleep 60") as two:
        assert processes.identify(one.pid) == one
        assert one != two
        assert one.boot_id == two.boot_id == kernel.boot_id()


def test_a_process_whose_name_is_odd_is_read_correctly(tmp_path: Path) -> None:
    odd = tmp_path / "a) R (b c"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"], start_new_session=True) as process:
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() != "", what="its name")
        assert kernel.start_ticks(process.pid) is not None
        assert process.pid in kernel.group_members(process.pid)
        process.kill()


@pytest.mark.parametrize(
    "change", [{"start_ticks": 1}, {"boot_id": "another boot/pid:[1]"}], ids=["reused", "boot"]
)
def test_a_group_of_somebody_else_is_never_signalled(change: dict[str, object]) -> None:
    with group(CHILDREN) as leader:
        forged = replace(leader, **change)  # type: ignore[arg-type]  # fields by name
        assert not processes.alive(forged)
        assert processes.group_standing(forged, leader.pid) is Standing.FOREIGN
        assert processes.signal_group(forged, leader.pid, signal.SIGKILL) is Standing.FOREIGN
        assert processes.stop_group(forged, leader.pid, 0) is Standing.FOREIGN
        assert len(kernel.group_members(leader.pid)) == 3


def test_stopping_ends_the_whole_group_and_tells() -> None:
    with group(CHILDREN) as leader:
        assert processes.stop_group(leader, leader.pid, 60_000) is Standing.GONE
        assert kernel.group_members(leader.pid) == []
        assert processes.stop_group(leader, leader.pid, 5_000) is Standing.GONE


def test_who_ignores_the_request_is_killed_after_the_grace_and_not_before() -> None:
    with group(STUBBORN) as leader:
        began = time.monotonic()
        assert processes.stop_group(leader, leader.pid, 300) is Standing.GONE
        assert time.monotonic() - began >= 0.3
        assert kernel.group_members(leader.pid) == []


def test_children_of_a_dead_leader_are_still_the_group_of_its_job() -> None:
    with group("sleep 60 >/dev/null & echo ready; read until_it_is_known") as leader:
        gone(leader.pid)
        assert processes.group_standing(leader, leader.pid) is Standing.OURS
        assert processes.stop_group(leader, leader.pid, 5_000) is Standing.GONE


def test_an_ended_group_is_gone() -> None:
    dead = dead_process()
    assert processes.group_standing(dead, dead.pid) is Standing.GONE
    assert processes.signal_group(dead, dead.pid, signal.SIGKILL) is Standing.GONE
