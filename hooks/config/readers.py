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
    # O_NONBLOCK: opening a named pipe must not wait for its writer before it is refused.
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _refused(path, "is not a regular file")
        return file.read(MAX_FILE_BYTES + 1)


def _refused(path: str, why: str) -> ConfigError:
    return ConfigError([Problem(path=path, line=1, column=1, message=f"`{shown(path)}` {why}")])
