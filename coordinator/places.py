"""Where bough keeps things. Names never become path components unescaped.

`StatePlaces` names every file of one repository's state; nothing here creates anything but
`private_dir`. platformdirs is imported only when no variable answers, for the light entries.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass

from bough.coordinator.errors import BoughError

SOCKET_PATH_LIMIT = 100
"""sun_path holds 104 bytes on macOS and 108 on Linux, the final NUL included."""


class PlaceError(BoughError):
    """A folder that bough needs cannot be had, or is not safely ours."""

    code = "PLACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePlaces:
    """The files of one repository below `<state>/repos/<repo-id>/`."""

    root: str

    @property
    def database(self) -> str:
        return f"{self.root}/coordinator.db"

    @property
    def lock(self) -> str:
        return f"{self.root}/coordinator.lock"

    @property
    def info(self) -> str:
        return f"{self.root}/coordinator.json"

    @property
    def log(self) -> str:
        return f"{self.root}/coordinator.log"

    @property
    def jobs(self) -> str:
        return f"{self.root}/jobs"

    @property
    def token(self) -> str:
        """A short name for this very folder, for what lies outside of it."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]

    def absolute(self, relative: str) -> str:
        """The full path of a `log_path` as rows store it."""
        return f"{self.root}/{relative}"


def job_folder(invocation: str, name: str, attempt: int) -> str:
    """A job's folder relative to the state folder: readable, unique, and harmless for any name."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "job"
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    suffix = f".{attempt}" if attempt > 1 else ""
    return f"jobs/{invocation}/{safe}-{digest}{suffix}"


def _from_variable(variable: str) -> str | None:
    value = os.environ.get(variable, "")
    if not value:
        return None
    if not os.path.isabs(value):
        raise PlaceError(
            f"{variable} is not an absolute path: {value!r}",
            hint=f'export {variable}="$PWD/{value}"',
        )
    return os.path.normpath(value)


def state_root() -> str:
    """`BOUGH_STATE_DIR`, else the platform's state folder for bough."""
    return _from_variable("BOUGH_STATE_DIR") or _default_state_root()


def _default_state_root() -> str:
    from platformdirs import user_state_dir

    return user_state_dir("bough")


def config_root() -> str:
    """`BOUGH_CONFIG_DIR`, else the platform's configuration folder for bough."""
    return _from_variable("BOUGH_CONFIG_DIR") or _default_config_root()


def _default_config_root() -> str:
    from platformdirs import user_config_dir

    return user_config_dir("bough")


def data_root() -> str:
    """The platform's data folder for bough, where the `centralized` layout puts worktrees."""
    from platformdirs import user_data_dir

    return user_data_dir("bough")


def runtime_root() -> str:
    """Where hand-offs and sockets live; gone after a logout on most systems."""
    explicit = _from_variable("BOUGH_RUNTIME_DIR")
    if explicit:
        return explicit
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if session and os.path.isabs(session):
        return f"{session}/bough"
    return f"{state_root()}/runtime"


def for_repository(repo_id: str) -> StatePlaces:
    """The places of the repository with this id."""
    return StatePlaces(root=f"{state_root()}/repos/{repo_id}")


def private_dir(path: str) -> str:
    """Make `path` a folder of ours with mode 0700 and return it; refuse one that is not."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        info = os.lstat(path)
        if stat.S_ISLNK(info.st_mode):
            info = os.stat(path)
        if info.st_uid != os.geteuid():
            raise PlaceError(
                f"{path} belongs to user {info.st_uid}, not to you",
                hint="Set BOUGH_STATE_DIR and BOUGH_RUNTIME_DIR to folders of your own.",
            )
        if info.st_mode & stat.S_ISVTX:
            # As /tmp is: closing it would lock others out of theirs.
            raise PlaceError(
                f"{path} is shared with other users",
                hint="Set BOUGH_STATE_DIR and BOUGH_RUNTIME_DIR to folders of your own.",
            )
        if info.st_mode & 0o077:
            os.chmod(path, 0o700)
    except OSError as error:
        raise PlaceError(
            f"cannot use the folder {path}: {error.strerror}",
            hint="bough keeps its files where BOUGH_STATE_DIR, BOUGH_CONFIG_DIR and "
            "BOUGH_RUNTIME_DIR say.",
        ) from error
    return path
