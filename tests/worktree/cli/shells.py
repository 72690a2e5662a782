"""A real shell on a pseudo-terminal, for pressing Tab in it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

PATIENCE_S = 30.0


class Terminal:
    """What is typed to the shell, and what it has shown so far."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.shown = ""

    def type(self, keys: str) -> None:
        """Send `keys` as a keyboard would."""
        os.write(self._fd, os.fsencode(keys))

    def wait_for(self, text: str) -> None:
        """Wait until the shell has shown `text` since the last call."""
        wait_until(
            lambda: text in self._read(), timeout=PATIENCE_S, what=f"the shell to show {text}"
        )
        self.shown = ""

    def wait_for_file(self, path: Path) -> None:
        """Wait until `path` exists, while the shell may go on printing."""
        wait_until(lambda: self._read() is not None and path.exists(), timeout=PATIENCE_S)

    def _read(self) -> str:
        while select.select([self._fd], [], [], 0)[0]:
            try:
                data = os.read(self._fd, 65_536)
            except OSError:
                break  # the shell has ended
            self.shown += data.decode("utf-8", "replace")
        return self.shown


ATTACH = """
import fcntl, os, sys, termios
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
for standard in range(3):
    os.dup2(fd, standard)
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Takes the terminal for its own, and becomes the shell. (pty.fork is no choice: pytest-xdist has
threads.)"""


@contextmanager
def terminal(argv: Sequence[str], *, cwd: Path) -> Iterator[Terminal]:
    """Run `argv` on a terminal of its own, and end it on leaving."""
    ours, theirs = os.openpty()
    attach = [sys.executable, "-I", "-S", "-c", ATTACH, os.ttyname(theirs)]
    with subprocess.Popen([*attach, *argv], cwd=cwd, start_new_session=True) as process:
        try:
            yield Terminal(ours)
        finally:
            process.kill()
            os.close(theirs)
            os.close(ours)
