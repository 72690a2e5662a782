"""What a scenario file says, as values. `loading` makes them; README.md in `scenarios/` explains.

Pure: frozen values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEP_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCheck:
    """What a text must be. None and empty: not asked."""

    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    equals: str | None = None
    lines: tuple[str, ...] | None = None
    line_count: int | None = None
    json: tuple[Any, ...] = ()
    """At most one value, in a tuple because null is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What a file must hold, and its permission bits as `chmod` writes them (`0755`)."""

    content: TextCheck
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheck:
    """Rows of jobs: `columns` are values or text checks; `count` None means at least one."""

    columns: Mapping[str, Any]
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobName:
    """Which job of the database: the newest row with this name, narrowed by what is not None."""

    name: str
    event: str | None = None
    worktree: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """What a job's log must hold."""

    job: JobName
    output: TextCheck | None = None
    stdout: TextCheck | None = None
    stderr: TextCheck | None = None
    statuses: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCheck:
    """The statuses that a job went through, in order."""

    job: JobName
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must be true. `exit`, `stdout` and `stderr` are about the step's command."""

    exit: int | None = 0
    """None: any."""
    stdout: TextCheck | None = None
    stderr: TextCheck | None = None
    files: Mapping[str, FileCheck] = field(default_factory=dict)
    dirs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    worktrees: tuple[str, ...] | None = None
    branches_has: tuple[str, ...] = ()
    branches_lacks: tuple[str, ...] = ()
    jobs: tuple[RowCheck, ...] = ()
    log: tuple[LogCheck, ...] = ()
    events: tuple[EventCheck, ...] = ()
    within: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command line for a shell."""

    command: str
    folder: str | None = None
    shell: str = "sh"
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    tty: bool = False
    background: str | None = None
    """The name by which later steps know the command that goes on."""
    timeout: float = STEP_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """For the end of a command in the background."""

    step: str
    timeout: float = STEP_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """To the group of a command in the background."""

    step: str
    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Files, written into a folder."""

    files: Mapping[str, str]
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Files, written into a worktree and committed."""

    files: Mapping[str, str]
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A process of bough's, or of a job, found by what bough itself has recorded."""

    what: str
    """`coordinator`, `supervisor`, `job` or `command`."""
    job: JobName | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One more invocation with these jobs, in any state."""

    jobs: tuple[Mapping[str, Any], ...]
    event: str = "worktree-post-create"
    folder: str | None = None
    """The worktree in which it is said to have been fired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """Make an invocation older: `last`, or `all`."""

    invocation: str
    by: float


Action = Run | Wait | Signal | Write | Commit | Kill | Rows | Age


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens, what must then be true, and the line of the file that says so."""

    line: int
    action: Action
    expect: Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoSpec:
    """The repository at the start; None in its place means an empty folder."""

    name: str = "repo"
    files: Mapping[str, str] = field(default_factory=dict)
    uncommitted: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    remote: bool = False
    trust: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole file."""

    path: Path
    description: str
    requires: tuple[str, ...]
    repo: RepoSpec | None
    steps: tuple[Step, ...]
    expect: Expect
    expect_line: int
