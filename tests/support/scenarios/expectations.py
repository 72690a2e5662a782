"""Look at the sandbox and say which expectations of a scenario are not met."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from binascii import a2b_base64
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.support import store
from tests.support.commands import decode_output
from tests.support.running import Ended
from tests.support.scenarios.checks import row_problems, text_problems
from tests.support.scenarios.killing import find_job
from tests.support.scenarios.schema import EventCheck, Expect, FileCheck, LogCheck
from tests.support.scenarios.world import World
from tests.support.waiting import wait_until


def problems(world: World, expect: Expect, ended: Ended | None) -> list[str]:
    """What is not as expected, if need be after `expect.within` seconds of waiting for it."""
    over = list(_outcome(world, expect, ended)) if ended else []
    found: list[str] = []

    def settled() -> bool:
        found[:] = _state_problems(world, expect)
        return not found

    # What has ended wrongly does not get better by waiting.
    if not settled() and expect.within and not over:
        try:
            wait_until(settled, timeout=expect.within, what="the expectations")
        except AssertionError:
            found.append(f"(tried for {expect.within:g} s)")
    return over + found


def _state_problems(world: World, expect: Expect) -> list[str]:
    checks: tuple[Callable[[World, Expect], Iterable[str]], ...] = (
        _paths,
        _worktrees,
        _branches,
        _rows,
        _logs,
        _events,
    )
    found: list[str] = []
    for check in checks:
        try:
            found += check(world, expect)
        except (sqlite3.Error, json.JSONDecodeError, AssertionError) as error:
            # Read while it was being written, or really wrong: the next look tells.
            found.append(f"{check.__name__.strip('_')} cannot be read: {error}")
    return found


def _outcome(world: World, expect: Expect, ended: Ended) -> Iterable[str]:
    if ended.trouble:
        yield ended.trouble
    if expect.exit is not None and ended.exit != expect.exit:
        yield f"exit is {ended.exit}, not {expect.exit}"
    for name, data, check in (
        ("stdout", ended.stdout, expect.stdout),
        ("stderr", ended.stderr, expect.stderr),
    ):
        if check is not None:
            yield from text_problems(name, decode_output(data), check, world.fill)


def _paths(world: World, expect: Expect) -> Iterable[str]:
    for name, check in expect.files.items():
        yield from _file(world, world.fill(name), check)
    for name in map(world.fill, expect.dirs):
        if not (world.root / name).is_dir():
            yield f"there is no folder {name}"
    for name in map(world.fill, expect.missing):
        if os.path.lexists(world.root / name):
            yield f"{name} is there"


def _file(world: World, name: str, check: FileCheck) -> Iterable[str]:
    path = world.root / name
    if not path.is_file():
        yield f"there is no file {name}"
        return
    yield from text_problems(name, decode_output(path.read_bytes()), check.content, world.fill)
    mode = f"{stat.S_IMODE(path.stat().st_mode):04o}"
    if check.mode not in (None, mode):
        yield f"{name} has mode {mode}, not {check.mode}"


def _worktrees(world: World, expect: Expect) -> Iterable[str]:
    if expect.worktrees is None:
        return
    expected = {world.fill(name) for name in expect.worktrees}
    unmet = set(expected)
    for path, branch in _list_worktrees(world):
        names = {path, os.path.relpath(path, world.root), branch}
        if not names & expected:
            yield f"there is a worktree {os.path.relpath(path, world.root)} (branch {branch})"
        unmet -= names
    for name in sorted(unmet):
        yield f"there is no worktree {name}"


def _list_worktrees(world: World) -> list[tuple[str, str]]:
    listing = world.repo.git("worktree", "list", "--porcelain", "-z").ok().stdout
    found = []
    for block in listing.split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if facts:
            branch = facts.get("branch", "").removeprefix("refs/heads/")
            found.append((facts["worktree"], branch))
    return found


def _branches(world: World, expect: Expect) -> Iterable[str]:
    if not (expect.branches_has or expect.branches_lacks):
        return
    branches = world.repo.out("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
    there = set(branches.splitlines())
    for name in expect.branches_has:
        if name not in there:
            yield f"there is no branch {name}"
    for name in expect.branches_lacks:
        if name in there:
            yield f"there is a branch {name}"


def _rows(world: World, expect: Expect) -> Iterable[str]:
    if expect.jobs:
        rows = store.job_rows(world.sandbox.state)
        for check in expect.jobs:
            yield from row_problems(rows, check, world.fill)


def _events(world: World, expect: Expect) -> Iterable[str]:
    for check in expect.events:
        yield from _event(world, check)


def _event(world: World, check: EventCheck) -> Iterable[str]:
    row = find_job(world, check.job)
    if row is None:
        yield f"there is no row of the job {check.job.name}"
        return
    path = store.job_path(row)
    if path != list(check.path):
        yield f"the job {check.job.name} went {' → '.join(path)}"


def _logs(world: World, expect: Expect) -> Iterable[str]:
    for check in expect.log:
        yield from _log(world, check)


def _log(world: World, check: LogCheck) -> Iterable[str]:
    row = find_job(world, check.job)
    log: Path | None = row["log"] if row else None
    if log is None or not log.is_file():
        yield f"there is no log of the job {check.job.name}"
        return
    records = store.log_records(log)
    for name, kinds, wanted in (
        ("output", {"stdout", "stderr"}, check.output),
        ("stdout", {"stdout"}, check.stdout),
        ("stderr", {"stderr"}, check.stderr),
    ):
        if wanted is not None:
            text = "".join(_text(record) for record in records if record["kind"] in kinds)
            title = f"the {name} in the log of {check.job.name}"
            yield from text_problems(title, text, wanted, world.fill)
    statuses = [record["status"] for record in records if record["kind"] == "status"]
    if check.statuses is not None and statuses != list(check.statuses):
        yield f"the log of {check.job.name} has the statuses {', '.join(statuses) or '(none)'}"


def _text(record: dict[str, Any]) -> str:
    """What a record of output holds, with the newline of its source line if it had one."""
    data = record["data"] if "data" in record else decode_output(a2b_base64(record["b64"]))
    return f"{data}{'' if record.get('more') or record.get('nonl') else chr(10)}"
