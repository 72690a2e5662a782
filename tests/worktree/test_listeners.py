"""Ports in use: those of other processes are told, the worktree's own are not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bough.worktree.listeners import occupied


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that this very process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_process_elsewhere_occupies_its_port(listening: int, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    found = occupied({listening}, worktree=elsewhere)
    assert str(os.getpid()) in found[listening]
    assert list(found) == [listening]


def test_a_process_of_the_worktree_does_not(listening: int) -> None:
    assert occupied({listening}, worktree=os.getcwd()) == {}


def test_where_nobody_may_look_a_port_that_cannot_be_bound_counts(
    listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_options: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    assert occupied({listening, free}, worktree="/") == {listening: "another process"}
