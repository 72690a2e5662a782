"""A command that runs beside the test: its output collected, its end awaited, its time limited.

It gets a session of its own, so that a signal to its group reaches what a Ctrl-C would reach and
nothing else. Its output passes through pipes, never files: whatever it leaves behind that still
holds them is found out, as the shell of a person would find out by hanging.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HOLD_S = 2.0
"""How long the output may stay open after the command's own end."""

# A session leader gets the first terminal that it opens as its controlling terminal.
_ON_TERMINAL = ["/bin/sh", "-c", 'exec 0<>"$1" 1>&0 2>&0; shift; exec "$@"', "sh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended. `exit` is what a shell would say: 128 + n after signal n.

    `trouble` is empty, or says why its end is not its own: out of time, or output still held.
    """

    exit: int
    stdout: bytes
    stderr: bytes
    trouble: str = ""


class Running:
    """A started command. `finish` must be called: it leaves no process of the group behind."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
        stdin: str | None = None,
        tty: bool = False,
    ) -> None:
        self._streams = [bytearray(), bytearray()]
        if tty:
            descriptors = self._start_on_terminal(argv, cwd, env, stdin)
        else:
            descriptors = self._start_on_pipes(argv, cwd, env, stdin)
        self._readers = [
            threading.Thread(target=_collect, args=(descriptor, stream), daemon=True)
            for descriptor, stream in zip(descriptors, self._streams, strict=False)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process, its group and its session."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as a terminal does."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def finish(self, timeout: float) -> Ended:
        """Wait for the end of the command and of its output; kill the group after `timeout` s."""
        trouble = ""
        try:
            code = self._process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            trouble = f"it did not end within {timeout:g} s and was killed"
            self.signal(signal.SIGKILL)
            code = self._process.wait()
        if not self._drained():
            trouble = trouble or "it ended, but a process that it left behind holds its output"
            self.signal(signal.SIGKILL)
            self._drained()
        stdout, stderr = (bytes(stream) for stream in self._streams)
        shell_code = code if code >= 0 else 128 - code
        return Ended(exit=shell_code, stdout=stdout, stderr=stderr, trouble=trouble)

    def _drained(self) -> bool:
        deadline = time.monotonic() + HOLD_S
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        return not any(reader.is_alive() for reader in self._readers)

    def _start_on_pipes(
        self,
        argv: Sequence[str],
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
        stdin: str | None,
    ) -> list[int]:
        out, out_writer = os.pipe()
        err, err_writer = os.pipe()
        try:
            # A file as stdin: it needs nobody to feed it, and ends by itself.
            with tempfile.TemporaryFile() as source:
                source.write((stdin or "").encode("utf-8", "surrogateescape"))
                source.seek(0)
                self._process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.DEVNULL if stdin is None else source,
                    stdout=out_writer,
                    stderr=err_writer,
                    start_new_session=True,
                )
        except BaseException:
            os.close(out)
            os.close(err)
            raise
        finally:
            os.close(out_writer)
            os.close(err_writer)
        return [out, err]

    def _start_on_terminal(
        self,
        argv: Sequence[str],
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
        stdin: str | None,
    ) -> list[int]:
        ours, theirs = pty.openpty()
        try:
            self._process = subprocess.Popen(
                [*_ON_TERMINAL, os.ttyname(theirs), *argv],
                cwd=cwd,
                env=env,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        if stdin is not None:
            os.write(ours, stdin.encode("utf-8", "surrogateescape"))
        return [ours]


def _collect(descriptor: int, stream: bytearray) -> None:
    """Read to the end. A terminal whose last user is gone says EIO on Linux."""
    try:
        while chunk := os.read(descriptor, 65536):
            stream += chunk
    except OSError:
        return
    finally:
        os.close(descriptor)
