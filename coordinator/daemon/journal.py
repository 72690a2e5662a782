"""The coordinator's own log file: plain lines, at most 1 MiB, with one predecessor.

It is the process's standard error as well, so that a traceback ends up here and nowhere else.
"""

from __future__ import annotations

import os

from bough.coordinator import clock

_LIMIT = 1024 * 1024


class Journal:
    """Appends timestamped lines to `path`, which it makes the process's stdout and stderr."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def write(self, text: str) -> None:
        """Append one line; the file is exchanged for a new one when it has grown too large."""
        if os.fstat(2).st_size > _LIMIT:
            os.replace(self._path, f"{self._path}.1")
            self._open()
        line = f"{clock.iso_us()} [{os.getpid()}] {text}\n"
        os.write(2, line.encode("utf-8", "backslashreplace"))

    def _open(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)
