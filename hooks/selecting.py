"""Which files a job is given: the lists that its command names, narrowed by its filters.

Pure: values in, paths out. A glob without a `/` is meant for the file's name, in any folder; others
for the whole path from the worktree's root. Where hook, groups and job all filter, all must agree.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from bough.hooks.config.model import Filter, Job
from bough.hooks.globs import matches
from bough.hooks.templates import LIST_NAMES, names_used

FILES = "files"
STAGED = "staged_files"
_DEFAULTS = {"pre-commit": STAGED, "pre-push": "push_files"}
NO_FILES = "no matching files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file of a list: its path from the worktree's root, and what kinds of file it is.

    `kinds` are words of `file_types`; empty if no job asks.
    """

    path: str
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileList:
    """What a list holds, or why it could not be made."""

    files: tuple[Listed, ...] = ()
    problem: str = ""


def default_list(job: Job, event: str) -> str:
    """The list that a job's filters are about when its command names none."""
    return FILES if job.files else _DEFAULTS.get(event, "all_files")


def lists_of(job: Job, event: str, system: str) -> tuple[str, ...]:
    """The names of the lists that decide whether the job runs; empty if none does."""
    used = names_used(dict(job.run).get(system, ""), command=True)
    if job.script is not None:
        used |= {name for arg in job.script.args for name in names_used(arg, command=False)}
    found = [name for name in LIST_NAMES if name in used]
    if not found and (job.files or job.stage_fixed or job.filters):
        found = [default_list(job, event)]
    return tuple(found)


def selected(listed: Sequence[Listed], job: Job, root: str) -> tuple[str, ...]:
    """The paths that pass the job's filters and lie below `root`, as they are called from there."""
    below = "" if posixpath.normpath(root) in ("", ".") else posixpath.normpath(root) + "/"
    return tuple(
        _as_argument(file.path.removeprefix(below))
        for file in listed
        if file.path.startswith(below) and all(_passes(file, rule) for rule in job.filters)
    )


def matches_any(globs: Sequence[str], path: str) -> bool:
    """Whether one of `globs` is meant for this path."""
    return any(matches(glob if "/" in glob else f"**/{glob}", path) for glob in globs)


def _passes(file: Listed, rule: Filter) -> bool:
    if rule.glob and not matches_any(rule.glob, file.path):
        return False
    if rule.exclude and matches_any(rule.exclude, file.path):
        return False
    return all(kind in file.kinds for kind in rule.types)


def _as_argument(path: str) -> str:
    """A file called `-rf` must not be taken for an option."""
    return f"./{path}" if path.startswith("-") else path
