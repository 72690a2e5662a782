"""Which repository this is, for as long as it lives: a UUID in `<common>/bough/repo-id`.

State, history and trust belong to that id. The file also records where the repository was, so that
a copy of the folder gets an id of its own (and none of the trust), and a moved one keeps its.

Invariants: the file is a regular one of ours; two processes that need an id at once get the same
one; an id is never given up silently: a damaged file is an error, not a new repository.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import uuid
from dataclasses import dataclass

from bough.coordinator.errors import BoughError
from bough.hooks.own_folder import locked, write_private
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository


class IdentityError(BoughError):
    """The file that holds the repository's id is not one that bough wrote, or not readable."""

    code = "IDENTITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoId:
    """The id of a repository.

    `fresh`: it was made by this call. `copied_from` is the folder that this one was copied from,
    which is said once, with the fresh id: trust stays with the original.
    """

    value: str
    fresh: bool = False
    copied_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    id: str
    path: str
    device: int
    inode: int


def repo_id(repo: Repository) -> RepoId:
    """The id of `repo`, made if it has none yet. Raises `IdentityError`."""
    path = f"{repo.common_dir}/bough/repo-id"
    found = _read(path)
    if found and _is_at(found, repo.common_dir):
        return RepoId(value=found.id)
    with locked(repo, "repo-id"):
        # Another process may have settled it while this one waited.
        found = _read(path)
        if found and _is_at(found, repo.common_dir):
            return RepoId(value=found.id)
        if found and found.path != repo.common_dir and _holds(found):
            if os.path.samefile(found.path, repo.common_dir):
                return RepoId(value=found.id)  # one folder under two names: a bind mount
            answer = RepoId(value=str(uuid.uuid4()), fresh=True, copied_from=found.path)
        elif found:
            answer = RepoId(value=found.id)  # moved, mounted anew, or back from a backup
        else:
            answer = RepoId(value=str(uuid.uuid4()), fresh=True)
        write_private(path, _written(answer.value, repo.common_dir))
    return answer


def _is_at(record: _Record, common_dir: str) -> bool:
    here = os.stat(common_dir)
    return (record.path, record.device, record.inode) == (common_dir, here.st_dev, here.st_ino)


def _holds(record: _Record) -> bool:
    """Whether the recorded place still has this id. A place that cannot be looked into counts:
    then this one is taken for a copy, which costs a new consent and never grants one."""
    try:
        there = _read(f"{record.path}/bough/repo-id")
    except IdentityError:
        return True
    return there is not None and there.id == record.id


def _written(value: str, common_dir: str) -> bytes:
    here = os.stat(common_dir)
    # The id comes first: completion reads it without a JSON parser.
    record = {"id": value, "path": common_dir, "device": here.st_dev, "inode": here.st_ino}
    return json.dumps(record).encode() + b"\n"


def _read(path: str) -> _Record | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise IdentityError(
            f"cannot use {shown_path(path)}: {why}", hint="Remove it; bough makes its own."
        ) from error
    with open(fd, "rb") as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid():
            raise IdentityError(
                f"{shown_path(path)} is not a regular file of yours",
                hint="Remove it; bough makes its own.",
            )
        if info.st_mode & 0o077:
            os.fchmod(fd, 0o600)
        return _parsed(file.read(65_536), path)


def _parsed(data: bytes, path: str) -> _Record | None:
    try:
        fields = json.loads(data)
        return _Record(
            id=str(uuid.UUID(fields["id"])),
            path=str(fields["path"]),
            device=int(fields["device"]),
            inode=int(fields["inode"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IdentityError(
            f"{shown_path(path)} is damaged",
            hint=f"Remove it ({shown_path(path)}); the repository then gets a new id, and bough "
            "asks for trust again.",
        ) from None
