"""Who listens on ports already."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection

import psutil


def occupied(ports: Collection[int], *, worktree: str) -> dict[int, str]:
    """The ports that other processes listen on, each with what is known of the process.

    Processes that work inside `worktree` are its own. Where the system does not tell who listens,
    a port counts that cannot be bound.
    """
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return {port: "another process" for port in ports if not _free(port)}
    found: dict[int, str] = {}
    for connection in connections:
        address = connection.laddr
        if connection.status != psutil.CONN_LISTEN or not address or address.port not in ports:
            continue
        who = _told(connection.pid, worktree)
        if who:
            found[address.port] = who
    return found


def _told(pid: int | None, worktree: str) -> str:
    """The process in words; '' for one of the worktree's own."""
    if pid is None:
        return "a process of another user"
    try:
        process = psutil.Process(pid)
        name = process.name()
        folder = process.cwd()
    except psutil.Error:
        return f"process {pid}"
    inside = folder == worktree or folder.startswith(worktree.rstrip(os.sep) + os.sep)
    return "" if inside else f"{name} (process {pid})"


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
