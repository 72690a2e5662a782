"""The one way to call git: a subprocess with a time limit, a clean environment and real errors.

Invariants: git's repository variables never reach a call unless its caller wants them (inside a git
hook they would aim the call at another worktree and its index); messages are in git's own English;
stdin is empty unless input is given; a git that is stopped gets the chance to clean up after
itself; and a call returns when git ends, not when the last process does that a hook left behind.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from bough.coordinator.errors import BoughError
from bough.hooks.gitvariables import LOCAL_ENV_VARS
from bough.hooks.paths import shown_path

MINIMUM_GIT = (2, 38)
"""`merge-tree --write-tree` came with 2.38; everything newer is probed for."""

_HALF_MADE = re.compile(r"failed to read .*/commondir")
"""What git dies of when it lists worktrees while another git is just making one (2.39)."""
_HALF_MADE_S = 2.0
_HALF_MADE_PAUSE_S = 0.02

_PATIENCE_S = 5.0
"""How long a git that was told to end may take to remove its lock files."""


class GitError(BoughError):
    """git did not do what it was asked; the message ends in git's own reason.

    `status` is git's exit status, None when it could not be started or ran out of time.
    """

    code = "GIT"

    def __init__(self, message: str, *, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What git said: its output as bytes, its messages as text, its exit status."""

    stdout: bytes
    stderr: str
    code: int

    @property
    def text(self) -> str:
        """The output without its last newline; undecodable bytes are surrogate escapes."""
        return os.fsdecode(self.stdout.removesuffix(b"\n"))

    @property
    def lines(self) -> list[str]:
        """The output by lines."""
        return self.text.split("\n") if self.stdout else []

    @property
    def fields(self) -> list[str]:
        """The output of a `-z` option: what stands between the NULs."""
        return os.fsdecode(self.stdout.removesuffix(b"\0")).split("\0") if self.stdout else []

    @property
    def reason(self) -> str:
        """git's own explanation in one line, without its `fatal:`; empty when it gave none."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        blamed = [line for line in lines if line.startswith(("fatal: ", "error: "))]
        told = [line for line in lines if not line.startswith("hint:")]
        last = (blamed or told or [""])[-1]
        return last.removeprefix("fatal: ").removeprefix("error: ")


def git(
    *args: str,
    cwd: str,
    timeout: float = 30.0,
    input: bytes | None = None,  # noqa: A002 - named as subprocess names it
    env: Mapping[str, str] | None = None,
    check: bool = True,
    keep_env: bool = False,
) -> Answer:
    """Run git in `cwd` for at most `timeout` seconds.

    `env` adds variables; `keep_env` keeps the repository variables of the environment, for a
    caller that runs inside a git hook and means that hook's own index. Raises `GitError` when git
    is absent, runs out of time, or, with `check`, exits with anything but 0.
    """
    environment = dict(os.environ) if keep_env else scrubbed(os.environ)
    environment |= {"LC_ALL": "C", "LANGUAGE": "", **(env or {})}
    answer = _answered(args, cwd, timeout, input, environment)
    deadline = time.monotonic() + _HALF_MADE_S
    while _HALF_MADE.search(answer.stderr) and answer.code and time.monotonic() < deadline:
        time.sleep(_HALF_MADE_PAUSE_S)
        answer = _answered(args, cwd, timeout, input, environment)
    if check and answer.code != 0:
        raise failed(answer, *args)
    return answer


def _answered(
    args: tuple[str, ...],
    cwd: str,
    timeout: float,
    given: bytes | None,
    environment: Mapping[str, str],
) -> Answer:
    # Messages go to a file: a hook's background child may hold git's stderr open for hours, and a
    # pipe would be read until the last holder is gone. Hooks never get git's stdout.
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    with _scratch_file() as messages:
        process = _started(args, cwd, environment, stdin, messages.fileno())
        with process:
            try:
                stdout, _ = process.communicate(given, timeout)
            except subprocess.TimeoutExpired:
                raise GitError(
                    f"git {_named(args)} did not end within {timeout:g} s and was stopped",
                    hint=f"Try it by hand in {shown_path(cwd)}, to see what it waits for.",
                ) from None
            finally:
                _stop(process)
        messages.seek(0)
        stderr = messages.read().decode("utf-8", "replace")
    return Answer(stdout=stdout, stderr=stderr, code=process.returncode)


def failed(answer: Answer, *args: str) -> GitError:
    """The error for `answer` to `git *args`, for callers that look at the status themselves."""
    reason = answer.reason or f"it ended with status {answer.code}"
    return GitError(f"git {_named(args)} failed: {reason}", status=answer.code)


def git_version() -> tuple[int, ...]:
    """The version of the git on PATH, as far as it is numbers: `(2, 39, 5)`."""
    text = git("version", cwd="/").text
    words = text.split()
    parts: list[int] = []
    for part in (words[2] if len(words) > 2 else "").split("."):
        if not part.isdecimal():
            break
        parts.append(int(part))
    if not parts:
        raise GitError(f"`git version` answered {text!r}, which is no version")
    return tuple(parts)


def require_git() -> None:
    """Raise `GitError` unless the git on PATH is new enough."""
    version = git_version()
    if version < MINIMUM_GIT:
        found, needed = (".".join(map(str, v)) for v in (version, MINIMUM_GIT))
        raise GitError(
            f"git {found} is too old; bough needs {needed} or newer",
            hint="Install a newer git and put it first on PATH.",
        )


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without the variables that tie a process to one repository."""
    return {name: value for name, value in environment.items() if name not in LOCAL_ENV_VARS}


def _scratch_file() -> IO[bytes]:
    """A file without a name, in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("git"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _started(
    args: tuple[str, ...], cwd: str, environment: Mapping[str, str], stdin: int, stderr: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    except FileNotFoundError as error:
        if error.filename == cwd:
            raise GitError(
                f"the folder {shown_path(cwd)} does not exist", hint="cd to a folder that exists."
            ) from None
        raise GitError("git is not on PATH", hint="Install git 2.38 or newer.") from None
    except OSError as error:
        raise GitError(f"cannot run git in {shown_path(cwd)}: {error.strerror}") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()  # git removes its lock files and a half-made worktree on SIGTERM
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _named(args: tuple[str, ...]) -> str:
    """The subcommand as a person would say it: `worktree add`, not its arguments."""
    words = [word for word in args[:2] if word[:1].isalpha() and word.isascii()]
    return " ".join(words if args[:1] == ("worktree",) else words[:1])
