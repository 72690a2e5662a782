"""Running commands: the installed `bough`, and anything else, with a time limit on all of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.isolation import BIN
from tests.support.running import Running

TIMEOUT_S = 60.0


class Finished(subprocess.CompletedProcess[str]):
    """What a command left: `returncode`, `stdout` and `stderr` as text."""

    def json(self) -> Any:
        """What stdout says as JSON; the whole outcome is in the error if it says none."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is not JSON ({error})\n{self}") from error

    def ok(self) -> Finished:
        """This very value, or AssertionError with both outputs if the command failed."""
        assert self.returncode == 0, str(self)
        return self

    def __str__(self) -> str:
        return (
            f"command: {self.args}\nexit: {self.returncode}\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = TIMEOUT_S,
) -> Finished:
    """Run `argv` to its end in a session of its own, with `env` on top of this environment.

    Output is decoded as UTF-8 with surrogate escapes, and a death by signal n is 128 + n.
    Raises AssertionError, with what was printed, when it does not end within `timeout` seconds, or
    when it has ended but something that it started still holds its output.
    """
    words = [os.fspath(word) for word in argv]
    ended = Running(words, cwd=cwd, env={**os.environ, **(env or {})}, stdin=stdin).finish(timeout)
    finished = Finished(words, ended.exit, decode_output(ended.stdout), decode_output(ended.stderr))
    assert not ended.trouble, f"{ended.trouble}\n{finished}"
    return finished


def decode_output(data: bytes) -> str:
    """Output as text: undecodable bytes as surrogate escapes, as Python has them in file names."""
    return data.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bough:
    """The installed command, as a person calls it: `bough("list", cwd=repo.path)`."""

    executable: Path = BIN / "bough"

    def __call__(
        self,
        *args: str | os.PathLike[str],
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = TIMEOUT_S,
    ) -> Finished:
        return run([self.executable, *args], cwd=cwd, env=env, stdin=stdin, timeout=timeout)
