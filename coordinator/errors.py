"""The one error tree. Every error a person can meet is a `BoughError` with an exit code and a hint.

Pure: values only. Each layer subclasses what stands here; `worktree.cli` alone prints them.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The documented exit codes of the command line."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    UNTRUSTED = 4
    JOB_FAILED = 5
    COORDINATOR = 6
    BUG = 70
    INTERRUPTED = 130


class BoughError(Exception):
    """What happened and why (`message`), and what to type next (`hint`, may be empty).

    `code` names the class for `--format json`; `exit` is the process's exit status.
    """

    code = "FAILED"
    exit = Exit.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BoughError):
    """The command line asks for something that cannot be meant."""

    code = "USAGE"
    exit = Exit.USAGE


class StoreError(BoughError):
    """The repository's database cannot be used: foreign, damaged, unreadable, too open."""

    code = "STORE"


class StoreBusy(StoreError):
    """Another process kept the database locked for longer than the busy timeout."""

    code = "STORE_BUSY"


class SchemaMismatch(StoreError):
    """The database was written by a newer bough."""

    code = "SCHEMA_MISMATCH"
    exit = Exit.COORDINATOR


class StaleJob(StoreError):
    """A guarded update met a row that somebody else had moved on in the meantime."""

    code = "STALE_JOB"


class NotFound(BoughError):
    """Nothing has the name that was given."""

    code = "NOT_FOUND"


class Ambiguous(UsageError):
    """A name has several readings; the message lists them."""

    code = "AMBIGUOUS"


class CoordinatorError(BoughError):
    """The coordinator could not be started, does not answer, or refused a request."""

    code = "COORDINATOR"
    exit = Exit.COORDINATOR


class FrameError(CoordinatorError):
    """A frame on the socket broke the protocol; `error_code` is what the peer is told."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code
