"""What a failing step shows: the command, its outputs, the folders and files, the rows of jobs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support import store
from tests.support.commands import decode_output
from tests.support.running import Ended
from tests.support.scenarios.schema import Action, Run
from tests.support.scenarios.world import World

MAX_OUTPUT = 4000
MAX_ENTRIES = 80
_ROW_COLUMNS = ("name", "attempt", "owner", "status", "reason", "exit_code", "signal", "event")


def failure(
    world: World, place: str, action: Action | None, ended: Ended | None, problems: list[str]
) -> str:
    """The whole report; `place` is where in the scenario file it went wrong."""
    parts = [f"{place}: {_title(world, action)}", *(f"  ✗ {problem}" for problem in problems)]
    if ended is not None:
        parts += [
            f"exit: {ended.exit}",
            _section("stdout", _bounded(ended.stdout)),
            _section("stderr", _bounded(ended.stderr)),
        ]
    for log in sorted(world.sandbox.temporary.glob("bough-crash-*")):
        parts.append(_section(log.name, _bounded(log.read_bytes())))
    parts.append(_section(f"tree of {world.root}", "\n".join(_tree(world.root))))
    parts.append(_section("jobs", "\n".join(_rows(world))))
    return "\n".join(part for part in parts if part)


def _title(world: World, action: Action | None) -> str:
    if isinstance(action, Run):
        folder = os.path.relpath(world.folder(action.folder), world.root)
        return f"in {folder}: {world.fill(action.command).strip()}"
    return "at the end" if action is None else str(action)


def _section(name: str, content: str) -> str:
    return f"--- {name}\n{content}" if content else ""


def _bounded(data: bytes) -> str:
    text = decode_output(data)
    if len(text) > MAX_OUTPUT:
        half = MAX_OUTPUT // 2
        left_out = len(text) - MAX_OUTPUT
        text = f"{text[:half]}\n… {left_out} characters …\n{text[-half:]}"
    # Undecodable bytes could not be printed.
    return text.encode("utf-8", "backslashreplace").decode()


def _tree(root: Path) -> Iterator[str]:
    for count, path in enumerate(_paths(root)):
        if count == MAX_ENTRIES:
            yield "…"
            return
        name = repr(os.path.relpath(path, root))[1:-1]
        if path.is_symlink():
            yield f"{name} -> {os.readlink(path)}"
        else:
            yield f"{name}/" if path.is_dir() else f"{name} ({path.stat().st_size} bytes)"


def _paths(root: Path) -> Iterator[Path]:
    """Everything below, in order, but not what lies in git's own folders."""
    for path in sorted(root.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink() and path.name not in {".git", "origin.git"}:
            yield from _paths(path)


def _rows(world: World) -> Iterable[str]:
    try:
        rows = store.job_rows(world.sandbox.state)
    except sqlite3.Error as error:
        return [f"(cannot be read: {error})"]
    return [
        "  ".join(f"{name}={row[name]!r}" for name in _ROW_COLUMNS if row[name] not in (None, ""))
        for row in rows
    ]
