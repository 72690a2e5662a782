"""The values of the job engine: what a job is, and what the store keeps of it.

Pure: frozen values, no effects. Times are integer milliseconds since the epoch, durations integer
milliseconds. Names and paths are `str` with undecodable bytes as surrogate escapes (PEP 383).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_GRACE_MS = 5_000
DEFAULT_LOG_CAP = 10 * 1024 * 1024
DEFAULT_RETENTION_S = 7 * 24 * 3600


class Owner(StrEnum):
    """Who waits for a job: the command that fired it, or the coordinator."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"


class Status(StrEnum):
    """The stored state of a job. `transitions` says which may follow which."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    CRASHED = "crashed"

    @property
    def terminal(self) -> bool:
        """Whether the row can never change again."""
        return self not in ACTIVE

    @property
    def failure(self) -> bool:
        """Whether the job ran, or should have, and did not succeed."""
        return self in FAILURES


ACTIVE = frozenset({Status.QUEUED, Status.STARTING, Status.RUNNING, Status.CANCELLING})
LIVE = ACTIVE - {Status.QUEUED}
FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.CANCELLED, Status.CRASHED})


class SkipClass(StrEnum):
    """Why a job was skipped, as its dependents see it."""

    CONDITION = "condition"
    """A condition of its own (skip, only, os, arch, requires, tags): the need is satisfied."""
    DEPENDENCY = "dependency"
    TRUST = "trust"
    USER = "user"


class When(StrEnum):
    """Which outcome of its needs lets a job run."""

    SUCCESS = "success"
    ALWAYS = "always"
    FAILURE = "failure"


class LockMode(StrEnum):
    """Whether a lock is shared with other readers, or a job's own."""

    READ = "read"
    WRITE = "write"


class Output(StrEnum):
    """Whether a background job's failure is announced (`silent`: only its row and log tell)."""

    LOG = "log"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Automatic retries: at most `max` further attempts, the n-th after `backoff_ms` * 2**(n-1)."""

    max: int = 0
    backoff_ms: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """How much of a job's output is kept: `max_size` bytes (None: all), every n-th line."""

    max_size: int | None = DEFAULT_LOG_CAP
    sample_every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file that a job finds in `$BOUGH_JOB_DIR/files` when it starts.

    `name` is a relative path without `..`. `text` is the content as UTF-8 with undecodable bytes as
    surrogate escapes; it travels in the hand-off alone, a stored spec has it empty.
    """

    name: str
    text: str
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A job as the engine receives it: ready to execute, with nothing left to decide but when.

    `argv` is executed in `cwd`. `env` is what this job adds to its invocation's environment; values
    of secret names are in the hand-off alone. `needs` are names within the invocation whose outcome
    matters, `after` names that must merely be done. `timeout_ms` None means no limit.
    """

    name: str
    argv: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = ()
    files: tuple[JobFile, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    when: When = When.SUCCESS
    timeout_ms: int | None = None
    idle_timeout_ms: int | None = None
    grace_ms: int = DEFAULT_GRACE_MS
    locks: tuple[tuple[str, LockMode], ...] = ()
    retry: Retry = Retry()
    allow_failure: bool = False
    priority: int = 0
    output: Output = Output.LOG
    log: LogPolicy = LogPolicy()
    tags: tuple[str, ...] = ()
    retention_s: int = DEFAULT_RETENTION_S
    fail_text: str = ""
    command_text: str = ""
    """What a person is shown as the command; `argv` wraps it for execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A row to be inserted: a spec and who owns it; `skip` is set for a job that will not run."""

    spec: JobSpec
    owner: Owner
    skip: SkipClass | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process, unmistakably: pid, the kernel's start time in its own ticks, and the boot.

    The wall-clock create time shifts when the clock is set; the kernel's ticks do not.
    """

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvocation:
    """One firing of one event in one worktree, before it has rows."""

    id: str
    event: str
    command: str
    worktree_name: str
    worktree_path: str
    branch: str
    commit: str
    created_at: int
    owner: ProcessIdentity
    handoff_path: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of `jobs` with what its invocation says about it. None: not known (yet)."""

    id: int
    invocation_key: int
    invocation: str
    event: str
    command: str
    worktree_name: str
    worktree_path: str
    branch: str
    commit: str
    handoff_path: str
    name: str
    attempt: int
    retry_of: int | None
    ordinal: int
    owner: Owner
    status: Status
    reason: str
    skip_class: SkipClass | None
    version: int
    spec: JobSpec
    process: ProcessIdentity | None
    pgid: int | None
    exit_code: int | None
    signal: int | None
    queued_at: int
    not_before: int | None
    started_at: int | None
    finished_at: int | None
    log_path: str
    log_bytes: int | None
    log_lines: int | None
    foreground_owner: ProcessIdentity | None = field(default=None)
    """The command that fired the invocation."""

    @property
    def address(self) -> str:
        """`invocation:name#attempt`, what a person can type to mean this row."""
        suffix = f"#{self.attempt}" if self.attempt > 1 else ""
        return f"{self.invocation[:6]}:{self.name}{suffix}"

    @property
    def log_identity(self) -> dict[str, str | int]:
        """What the log's first record says about its job: enough to rebuild the row."""
        return {
            "invocation": self.invocation,
            "event": self.event,
            "job": self.name,
            "attempt": self.attempt,
            "owner": self.owner,
            "worktree_name": self.worktree_name,
            "worktree_path": self.worktree_path,
            "branch": self.branch,
            "commit": self.commit,
            "queued_at": self.queued_at,
            "ordinal": self.ordinal,
        }

    @property
    def retries_left(self) -> bool:
        """Whether a failure of this attempt is followed by another one."""
        return self.attempt <= self.spec.retry.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition to apply to a row, with the facts that become known with it. None: unchanged."""

    to: Status
    by: str
    reason: str = ""
    skip_class: SkipClass | None = None
    process: ProcessIdentity | None = None
    pgid: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    log_bytes: int | None = None
    log_lines: int | None = None
