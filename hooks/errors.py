"""What can go wrong between `bough.yml` and its jobs, as errors for people.

Pure: values only. Whatever a message quotes from a file or a name passes `shown`, so that a hostile
name can neither break a message into lines nor reach the terminal as a control sequence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bough.coordinator.errors import BoughError, Exit

_SHOWN_LENGTH = 80


def shown(text: str) -> str:
    """`text` on one line, harmless for a terminal, shortened to 80 characters."""
    if len(text) > _SHOWN_LENGTH:
        text = f"{text[: _SHOWN_LENGTH - 1]}…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean `x`?` for the nearest of `known`, empty if none is near.

    Only the first hundred are looked at: comparing is slow, and a file may have thousands.
    """
    from difflib import get_close_matches

    near = get_close_matches(word[:_SHOWN_LENGTH], tuple(known)[:100], n=1, cutoff=0.6)
    return f"; did you mean `{shown(near[0])}`?" if near else ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, and where: `line` and `column` count from 1."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class ConfigError(BoughError):
    """The configuration cannot be used; `problems` holds everything that is wrong with it.

    The message is the problems, one on a line, as `path:line:column: message`.
    """

    code = "CONFIG"
    exit = Exit.CONFIG

    def __init__(self, problems: Iterable[Problem], *, hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), hint=hint)


class UntrustedError(BoughError):
    """A gate stopped, because its configuration has not been trusted."""

    code = "UNTRUSTED"
    exit = Exit.UNTRUSTED


class JobFailedError(BoughError):
    """A job of a hook failed, and the hook's fail mode is `abort`."""

    code = "JOB_FAILED"
    exit = Exit.JOB_FAILED
