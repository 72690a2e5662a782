"""What a valid configuration is: hooks and tasks as values, with where they came from.

Pure: frozen values. `merged` is the same configuration as plain data (dicts, lists, text, numbers,
booleans), fit for JSON; `build.config_from_data` makes an equal `Config` of it without YAML and
without the schema. A task is a hook whose event is `task:<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bough.coordinator.model import (
    DEFAULT_RETENTION_S,
    LockMode,
    LogPolicy,
    Output,
    Retry,
    When,
)
from bough.hooks.conditions import Condition
from bough.hooks.config.derived import Derived
from bough.hooks.config.sources import Source, fingerprint
from bough.hooks.events import TASK_PREFIX, FailMode


class Mode(StrEnum):
    """How the jobs of one hook follow each other."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"
    """In declared order; a failure does not stop the next."""
    PIPED = "piped"
    """In declared order; a failure stops the rest."""


class Missing(StrEnum):
    """What becomes of a job whose required tools are not all there."""

    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group around a job. `number` tells the groups of a hook apart; it counts from 1."""

    number: int
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which files of a list a hook, group or job is about; what is empty lets everything pass."""

    glob: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A file that is run: `data` are its bytes as they were hashed for trust.

    `runner` are the words before it, `args` (with templates) those after it.
    """

    path: str
    data: bytes
    runner: tuple[str, ...] = ()
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A declared job, its defaults and those of its hook filled in, its templates unrendered.

    `run` maps a system (`linux`, `macos`) to its command. `timeout_ms`: None is the default of
    whoever ends up owning the job, 0 is no limit. `groups` surround it, the outermost first; what
    they hand on is filled in, and a need of a group is a need of every job in it. `rc` is what the
    shell reads before the command, `files` the command that lists files. `filters` are those of the
    hook, of the groups and of the job itself; all must let a file pass.
    """

    name: str
    run: tuple[tuple[str, str], ...]
    script: Script | None = None
    rc: bytes = b""
    files: str = ""
    filters: tuple[Filter, ...] = ()
    stage_fixed: bool = False
    groups: tuple[Group, ...] = ()
    description: str = ""
    root: str = ""
    env: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    when: When = When.SUCCESS
    background: bool = False
    output: Output = Output.LOG
    tags: tuple[str, ...] = ()
    skip: tuple[Condition, ...] = ()
    only: tuple[Condition, ...] = ()
    os: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    requires_mode: Missing = Missing.SKIP
    timeout_ms: int | None = None
    idle_timeout_ms: int = 0
    retry: Retry = field(default_factory=Retry)
    allow_failure: bool = False
    priority: int = 0
    locks: tuple[tuple[str, LockMode], ...] = ()
    fail_text: str = ""
    log: LogPolicy = field(default_factory=LogPolicy)
    retention_s: int = DEFAULT_RETENTION_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What is declared for one event. `fail_mode` None: the event's default."""

    jobs: tuple[Job, ...]
    mode: Mode = Mode.PARALLEL
    fail_mode: FailMode | None = None
    skip: tuple[Condition, ...] = ()
    only: tuple[Condition, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorSettings:
    """What the configuration says to the repository's coordinator. None: not said."""

    max_parallel: int | None = None
    idle_exit_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the sources of one worktree (or commit) declare, merged and checked."""

    hooks: Mapping[str, Hook]
    tasks: Mapping[str, Hook]
    layout: str | None
    env: Derived = field(default_factory=Derived)
    coordinator: CoordinatorSettings
    sources: tuple[Source, ...]
    """Low to high precedence."""
    merged: Mapping[str, object]

    def for_event(self, event: str) -> Hook | None:
        """The hook of an event, the task of a `task:<name>`; None if nothing is declared."""
        if event.startswith(TASK_PREFIX):
            return self.tasks.get(event.removeprefix(TASK_PREFIX))
        return self.hooks.get(event)

    @property
    def main_file(self) -> str:
        """What people call the configuration: its main file, or the local one if it is alone."""
        files = [source for source in self.sources if not source.executed]
        tracked = [source for source in files if not source.local]
        return (tracked or files)[-1].path

    @property
    def tracked_fingerprint(self) -> str:
        """Changes with any byte, name or order of the sources that are not local; '' if none."""
        return fingerprint(source for source in self.sources if not source.local)

    @property
    def local_fingerprint(self) -> str:
        """The same of the local sources."""
        return fingerprint(source for source in self.sources if source.local)
