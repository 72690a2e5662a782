"""What goes to the terminal: colours only where they are wanted, data on stdout, talk on stderr."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The escape sequences in use; all empty when output is not for eyes."""

    bold: str = ""
    dim: str = ""
    red: str = ""
    green: str = ""
    yellow: str = ""
    reset: str = ""


_COLOURS = Style(
    bold="\x1b[1m",
    dim="\x1b[2m",
    red="\x1b[31m",
    green="\x1b[32m",
    yellow="\x1b[33m",
    reset="\x1b[0m",
)


def style_for(stream: object) -> Style:
    """Colours for a terminal, unless NO_COLOR is set or the terminal is dumb."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return Style()
    return _COLOURS if getattr(stream, "isatty", bool)() else Style()


def say(text: str) -> None:
    """A line of talk, on stderr. Jobs go on when nobody listens any more."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        abandon(sys.stderr)


def abandon(stream: TextIO) -> None:
    """Let what is still written to a stream without a reader go nowhere.

    Otherwise Python would complain once more when it flushes the stream at exit.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def tell(text: str) -> None:
    """A line of data, on stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def harmless(text: str) -> str:
    """`text` in full length on one line, without control characters that a terminal would obey."""
    return "".join(
        char
        if char.isprintable() or char == "\t"
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def duration(milliseconds: int | None) -> str:
    """`340ms`, `2.1s`, `3m12s`, `1h04m`; `-` for what is not known."""
    if milliseconds is None:
        return "-"
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds}ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


def age(milliseconds: int) -> str:
    """How long ago, in one unit: `12s`, `5m`, `3h`, `9d`."""
    seconds = max(0, milliseconds // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
