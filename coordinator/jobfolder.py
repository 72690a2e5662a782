"""A job's folder: its files, its lock, its log, its exit file, its cancel marker; as evidence.

The lock is a `flock`: whoever starts a supervisor takes it and hands the very descriptor on, so
that it is held from before the supervisor exists until its last process is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable

from bough.coordinator.model import JobFile
from bough.coordinator.places import private_dir
from bough.coordinator.recovery import Evidence
from bough.coordinator.supervisor import CANCEL_FILE, EXIT_FILE, LOCK_FILE, LOG_FILE

_FILES = "files"
JOB_DIR = "BOUGH_JOB_DIR"
"""The variable that tells a job where its folder is."""


def prepare(folder: str, files: Iterable[JobFile] = ()) -> None:
    """Make the folder with the job's files, empty of what an interrupted start may have left."""
    private_dir(os.path.dirname(folder))
    private_dir(folder)
    for name in (EXIT_FILE, CANCEL_FILE):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    shutil.rmtree(f"{folder}/{_FILES}", ignore_errors=True)
    for file in files:
        _write(f"{folder}/{_FILES}/{file.name}", file)


def _write(path: str, file: JobFile) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file.mode)
    with os.fdopen(fd, "wb") as target:
        # The umask is not asked: what is to be executed must be executable.
        os.fchmod(fd, file.mode)
        target.write(file.text.encode("utf-8", "surrogateescape"))


def take_lock(folder: str) -> int:
    """Lock the job and return the descriptor; raises BlockingIOError while a supervisor lives."""
    fd = os.open(f"{folder}/{LOCK_FILE}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def wait_for_end(folder: str) -> None:
    """Return when no supervisor holds the job (any more). Blocks; meant for a thread."""
    try:
        fd = os.open(f"{folder}/{LOCK_FILE}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def request_cancel(folder: str) -> None:
    """Leave the mark by which the job's owner records its end as a cancellation."""
    try:
        os.close(os.open(f"{folder}/{CANCEL_FILE}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        # Nothing was prepared, so nothing runs that could be recorded.
        return


def evidence(folder: str) -> Evidence:
    """What the folder says about its job now.

    Read in this order a job cannot be taken for crashed while it passes through its life: what had
    started and holds no lock has ended, and its outcome, if it has one, is there.
    """
    started = _started(folder)
    lock_held = _held(folder)
    return Evidence(lock_held=lock_held, started=started, outcome=_outcome(folder))


def _held(folder: str) -> bool:
    try:
        fd = os.open(f"{folder}/{LOCK_FILE}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _started(folder: str) -> bool:
    try:
        return os.stat(f"{folder}/{LOG_FILE}").st_size > 0
    except FileNotFoundError:
        return False


def _outcome(folder: str) -> dict[str, object] | None:
    try:
        with open(f"{folder}/{EXIT_FILE}", encoding="utf-8") as file:
            outcome: dict[str, object] = json.load(file)
            return outcome
    except (FileNotFoundError, ValueError):
        return None
