"""Reads configuration files from a worktree's folder, and nothing from outside of it."""

from __future__ import annotations

import errno
import os
import stat

from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError, Problem, shown

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})


class FolderReader:
    """The files below `root`, a worktree's folder. Links are followed as long as they stay in it.

    Something that is there and cannot be read is an error, never an absence: a gate must not open
    because its configuration was made unreadable.
    """

    def __init__(self, root: str) -> None:
        self.label = root
        """What messages call the place that the files come from."""
        self._root = os.path.realpath(root)

    def read(self, path: str) -> bytes | None:
        """The first `MAX_FILE_BYTES` + 1 bytes at `path`; None if there is nothing.

        ConfigError for what leads out of the folder, is no regular file, or cannot be read.
        """
        full = os.path.join(self._root, path)
        try:
            os.lstat(full)
            real = os.path.realpath(full, strict=True)
            if os.path.commonpath([real, self._root]) != self._root:
                raise _refused(path, f"leads out of the worktree, to {shown(real)}")
            return _content(path, real)
        except OSError as error:
            if error.errno in _ABSENT and not os.path.islink(full):
                return None
            raise _refused(path, f"cannot be read: {error.strerror}") from error


def _content(path: str, real: str) -> bytes:
    try:
        with open(real, "rb", opener=_without_waiting) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read(MAX_FILE_BYTES + 1)
    except IsADirectoryError:
        pass  # told below, like everything else that is no file
    raise _refused(path, "is not a regular file")


def _without_waiting(real: str, flags: int) -> int:
    """Open a named pipe without waiting for its writer, only to refuse it."""
    return os.open(real, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def _refused(path: str, why: str) -> ConfigError:
    return ConfigError([Problem(path=path, line=1, column=1, message=f"`{shown(path)}` {why}")])
