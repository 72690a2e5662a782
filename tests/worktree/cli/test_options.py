"""No option without a test that fails when it has no effect: which one, for each.

A new option belongs into this table together with the test that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from bough.worktree.cli.app import application
from tests.house.source import ROOT

_START = {
    "--layout": "worktree/start-from-a-base-in-a-layout",
    "--exec": "worktree/start-then-runs-a-command",
    "--skip-hooks": "hooks/skip-hooks-takes-dependents-along",
    "--hooks": "hooks/hooks-can-be-switched-off",
    "--trust": "hooks/trust-can-be-given-with-the-command",
    "--dry-run": "worktree/a-dry-run-changes-nothing",
}
_GO = dict.fromkeys(
    ("--layout", "--skip-hooks", "--hooks", "--trust"), "worktree/go-takes-the-options-of-start"
)
_FILTERS = ("--all", "--hook", "--worktree", "--status", "--tag", "--inv", "--failed", "--last")
_JOBS = dict.fromkeys((*_FILTERS, "--limit", "--before"), "test_jobs.py")
_LOGS = ("--stdout", "--stderr", "--status", "--seq", "--since-seq", "--tail", "--format")
_CANCEL = ("--all", "--hook", "--worktree", "--tag", "--inv", "--older-than", "--dry-run")
_REMOVE_EVENTS = "worktree/remove-takes-the-options-of-events"
_LOSE = "worktree/remove-does-what-is-meant-to-be-lost"

TESTED: dict[str, dict[str, str]] = {
    "": {
        "-C": "worktree/from-any-folder-of-a-repository",
        "--quiet": "jobs/quiet-and-verbose",
        "--verbose": "jobs/quiet-and-verbose",
        "--version": "test_entry.py",
    },
    "start": _START,
    "go": {**_START, **_GO},
    "list": {"--format": "worktree/list-shows-the-state-of-every-worktree"},
    "remove": {
        **dict.fromkeys(("--force", "--force-branch", "--keep-branch", "--from-inside"), _LOSE),
        **dict.fromkeys(("--skip-hooks", "--hooks", "--trust"), _REMOVE_EVENTS),
        "--dry-run": "worktree/a-dry-run-changes-nothing",
        "--format": _LOSE,
    },
    "run": {
        "--skip-hooks": "worktree/run-passes-a-task-through",
        "--format": "worktree/run-lists-tasks",
    },
    "env": {
        "--write": "hooks/env-is-written-to-a-file",
        "--format": "hooks/env-gives-each-worktree-ports-of-its-own",
    },
    "trust": {
        "--yes": "hooks/trust-can-be-given-with-the-command",
        "--always": "hooks/trust-can-be-given-with-the-command",
        "--format": "hooks/consent-is-asked-on-a-terminal",
    },
    "demo": {"--dir": "worktree/the-demo-shows-the-main-job"},
    "jobs": {**_JOBS, "--format": "jobs/lists-come-in-every-format"},
    "jobs list": {**_JOBS, "--format": "test_jobs.py"},
    "jobs show": {"--format": "jobs/show-tells-everything-about-a-job"},
    "jobs logs": {
        **dict.fromkeys(_LOGS, "jobs/logs-show-what-is-asked-for"),
        "--follow": "jobs/logs-can-be-followed",
    },
    "jobs locks": {"--format": "jobs/locks-are-shared-by-readers-only"},
    "jobs cancel": dict.fromkeys(_CANCEL, "test_jobs.py"),
    "hooks install": {"--force": "hooks/shims-keep-what-was-there"},
    "hooks status": {"--format": "hooks/shims-keep-what-was-there"},
    "hooks run": {
        **dict.fromkeys(("--skip-hooks", "--hooks"), "hooks/events-can-be-fired-by-hand"),
        **dict.fromkeys(("--job", "--tag"), "hooks/chosen-jobs-run-with-what-they-need"),
        **dict.fromkeys(("--dry-run", "--format"), "hooks/dry-run-tells-and-changes-nothing"),
    },
    "hooks dump": {"--format": "hooks/dump-shows-what-the-files-say-together"},
    "hooks graph": {"--format": "hooks/graph-draws-what-waits-for-what"},
}
"""Verb → option → the scenario, or the file beside this one, that would fail without its effect."""


def options(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every option of the application, with its verb; an alias is the verb that it stands for."""
    for param in command.params:
        if param.param_type_name == "option" and "--help" not in param.opts:
            yield " ".join(path), param
    for name, sub in getattr(command, "commands", {}).items():
        if not sub.hidden:
            yield from options(sub, (*path, name))


def declared() -> list[tuple[str, Any]]:
    return list(options(typer.main.get_command(application())))


def long_name(option: Any) -> str:
    return str(max(option.opts, key=len))


def test_every_option_is_in_the_table_and_nothing_else() -> None:
    found: dict[str, set[str]] = {}
    for verb, option in declared():
        found.setdefault(verb, set()).add(long_name(option))
    assert {verb: set(table) for verb, table in TESTED.items()} == found


def test_the_named_tests_use_the_options() -> None:
    missing = []
    for verb, option in declared():
        place = TESTED[verb][long_name(option)]
        folder = "tests/worktree/cli" if place.startswith("test_") else "scenarios"
        path = ROOT / folder / (place if place.endswith(".py") else f"{place}.yml")
        text = path.read_text(encoding="utf-8")
        spellings = "|".join(re.escape(name) for name in option.opts)
        used = re.search(rf"(?<![\w-])({spellings})(?![\w-])", text)
        if not used or not all(word in text for word in verb.split()):
            missing.append(f"{place}: bough {verb} {long_name(option)}")
    assert not missing
