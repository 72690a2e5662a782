"""bough's own folder in a repository, `<common>/bough`: private, written whole, locked briefly.

Invariants: the folder is ours and 0700; a file in it is replaced as a whole, so no reader meets
half of one; whoever reads in order to write holds a lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from bough.coordinator.places import PlaceError, private_dir
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository


def own_folder(repo: Repository) -> str:
    """`<common>/bough`, made if needed."""
    try:
        return private_dir(f"{repo.common_dir}/bough")
    except PlaceError as error:
        error.hint = f"bough keeps its notes about a repository in {shown_path(repo.common_dir)}."
        raise


@contextmanager
def locked(repo: Repository, name: str) -> Iterator[str]:
    """Hold the lock `name` of the repository; yields the path of `own_folder`.

    Waits without a limit: holders do a few file operations, and the kernel frees a dead one's lock.
    """
    folder = own_folder(repo)
    path = f"{folder}/{name}.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(fd)


def write_private(path: str, data: bytes) -> None:
    """Replace the file at `path` by one of ours with mode 0600 that holds `data`."""
    temporary = f"{path}.{os.urandom(4).hex()}"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> PlaceError:
    return PlaceError(
        f"cannot write {shown_path(path)}: {error.strerror}",
        hint="bough keeps its notes about a repository there; see who owns it and how full it is.",
    )
