"""What a person sees while an event is fired: the observer of `hooks.firing`.

Several jobs may print at once, so each line carries its job's name. A task of a single job is
passed through as it is, stdout to stdout, so that `bough run` can stand where the command itself
stood.
"""

from __future__ import annotations

import signal
import sys
from collections import deque
from enum import IntEnum
from typing import TextIO

from bough.coordinator.model import Job, Owner, SkipClass, Status
from bough.hooks.errors import shown
from bough.hooks.happenings import (
    Ended,
    Happening,
    Noted,
    Planned,
    Printed,
    Selected,
    Started,
    Waiting,
)
from bough.hooks.skipping import split_selectors
from bough.worktree.cli.terminal import abandon, duration, say, style_for

_WIDEST_NAME = 20
_MOST_HELD = 256 * 1024


class Volume(IntEnum):
    """How much is said: failures only, the usual, or also why jobs were skipped."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


class _Held:
    """The end of a job's output, kept until it is known whether anybody wants to see it."""

    __slots__ = ("_size", "dropped", "lines")

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque()
        self.dropped = False
        self._size = 0

    def add(self, line: bytes) -> None:
        """Add a line, and let go of the first ones when there are too many."""
        self.lines.append(line)
        self._size += len(line)
        while self._size > _MOST_HELD:
            self._size -= len(self.lines.popleft())
            self.dropped = True


class Narrator:
    """Turns happenings into lines. Quiet: output of a job is shown only once it has failed.

    `typed`: the person named the event or task, so silence about a job would be no answer.
    """

    def __init__(self, volume: Volume, *, typed: bool = False) -> None:
        self._volume = volume
        self._typed = typed
        self._style = style_for(sys.stderr)
        self._width = 0
        self._raw = False
        self._held: dict[int, _Held] = {}
        self._unmatched: set[str] | None = None
        self.reader_gone = False
        """Whether output that is passed through has lost its reader, and the job was stopped."""

    def warn_of_unmatched(self, selectors: tuple[str, ...]) -> None:
        """Tell about words of `--skip-hooks` that meant nothing in any event of this command.

        `BOUGH_SKIP` is set for many commands, most of which it is not about.
        """
        words = set(split_selectors(selectors, frozenset(self._unmatched or ())))
        for selector in sorted(words & (self._unmatched or set())):
            say(f"bough: --skip-hooks {shown(selector)} matched no event, tag or job")

    def pass_through(self) -> None:
        """From now on output is shown bare, on the stream it came from."""
        self._raw = True

    def __call__(self, happening: Happening) -> None:
        """Show one happening."""
        match happening:
            case Planned():
                self._planned(happening)
            case Started(job=job):
                self._remark(job, f"$ {shown(job.spec.command_text)}", Volume.VERBOSE)
            case Waiting(job=job):
                self._remark(job, shown(job.reason), Volume.NORMAL)
            case Selected(unmatched=unmatched):
                so_far = unmatched if self._unmatched is None else self._unmatched
                self._unmatched = set(unmatched) & set(so_far)
            case Printed():
                self._printed(happening)
            case Ended():
                self._ended(happening)
            case Noted(text=text, hint=hint):
                hinted = f"\n  {hint}" if hint else ""
                say(f"{self._style.yellow}bough: {text}{self._style.reset}{hinted}")

    def _remark(self, job: Job, text: str, least: Volume) -> None:
        if self._volume >= least:
            say(f"{self._label(job)}{self._style.dim}{text}{self._style.reset}")

    def _planned(self, planned: Planned) -> None:
        active = [job for job in planned.jobs if job.status is Status.QUEUED]
        skipped = [job for job in planned.jobs if self._is_told_skipped(job)]
        widths = (len(shown(job.name)) for job in (*active, *skipped))
        self._width = min(max(widths, default=0), _WIDEST_NAME)
        if self._volume is Volume.QUIET or not (active or skipped):
            return
        style = self._style
        if self._raw:
            for job in skipped:
                say(f"bough: {shown(job.name)} did not run: {shown(job.reason)}")
            return
        names = ", ".join(shown(job.name) for job in active) or "nothing to run"
        say(f"{style.bold}{shown(planned.event)}{style.reset}: {names}")
        for job in planned.jobs:
            if job in skipped:
                say(f"{self._label(job)}{style.dim}- skipped: {shown(job.reason)}{style.reset}")
            elif job in active and job.owner is Owner.BACKGROUND:
                say(f"{self._label(job)}{style.dim}in the background{style.reset}")

    def _is_told_skipped(self, job: Job) -> bool:
        """What the person chose to skip is told; conditions only to who wants to know."""
        if job.status is not Status.SKIPPED or job.skip_class is SkipClass.TRUST:
            return False
        told = self._typed or self._volume is Volume.VERBOSE
        return told or job.skip_class is SkipClass.USER

    def _printed(self, printed: Printed) -> None:
        if self._raw:
            self._pass(sys.stdout if printed.kind == "stdout" else sys.stderr, printed.line)
        elif self._volume is Volume.QUIET:
            self._held.setdefault(printed.job.id, _Held()).add(printed.line)
        else:
            self._echo(printed.job, printed.line)

    def _pass(self, stream: TextIO, line: bytes) -> None:
        try:
            stream.buffer.write(line)
            stream.buffer.flush()
        except BrokenPipeError:
            # The job itself would have been ended by SIGPIPE here: `bough run log | head`.
            abandon(stream)
            self.reader_gone = True
            signal.raise_signal(signal.SIGTERM)

    def _echo(self, job: Job, line: bytes) -> None:
        text = line.removesuffix(b"\n").decode("utf-8", "replace")
        # What a progress bar drew over is not shown; a carriage return would garble the label.
        say(f"{self._label(job)}{text.rstrip(chr(13)).rpartition(chr(13))[2]}")

    def _ended(self, ended: Ended) -> None:
        job, style = ended.job, self._style
        held = self._held.pop(job.id, None)
        if held is not None and job.status.failure:
            self._tell_held(job, held)
        if self._raw:
            if job.spec.fail_text and job.status.failure and not ended.retrying:
                say(job.spec.fail_text)
            return
        if self._volume is Volume.QUIET and not job.status.failure:
            return
        taken = "" if job.started_at is None else f" ({duration(_took(job))})"
        if job.status is Status.SUCCEEDED:
            say(f"{self._label(job)}{style.green}✓{style.reset}{style.dim}{taken}{style.reset}")
            return
        reason = f": {shown(job.reason)}" if job.reason else ""
        colour = style.red if job.status.failure else style.dim
        mark = "✗" if job.status.failure else "-"
        word = job.status.replace("_", " ")
        again = "; trying again" if ended.retrying else ""
        say(f"{self._label(job)}{colour}{mark} {word}{reason}{taken}{again}{style.reset}")
        if job.spec.fail_text and job.status.failure and not ended.retrying:
            say(f"{self._label(job)}{job.spec.fail_text}")

    def _tell_held(self, job: Job, held: _Held) -> None:
        if held.dropped:
            style = self._style
            say(f"{self._label(job)}{style.dim}(the end of its output){style.reset}")
        for line in held.lines:
            self._echo(job, line)

    def _label(self, job: Job) -> str:
        name = shown(job.name)
        if len(name) > _WIDEST_NAME:
            name = f"{name[: _WIDEST_NAME - 1]}…"
        return f"{self._style.dim}{name:>{self._width}} │{self._style.reset} "


def _took(job: Job) -> int | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return max(0, job.finished_at - job.started_at)
