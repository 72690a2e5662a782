"""`bough jobs logs ADDR`: what a job printed, from its file, also while it runs.

Following reads the file for foreground and background jobs alike, so it works from any terminal and
with or without a coordinator; it ends with the log's last record, or when the row says that the job
died without one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Annotated

import typer

from bough.coordinator.errors import Exit, UsageError
from bough.coordinator.logs.reader import Follower, Record, read_records, tail
from bough.coordinator.logs.records import STATUS, STDERR, STDOUT, TRUNCATED
from bough.coordinator.model import Job
from bough.coordinator.reconcile import truthful
from bough.coordinator.store import jobs
from bough.hooks.errors import shown
from bough.worktree.cli.formats import Format
from bough.worktree.cli.jobstore import JobStore, open_store
from bough.worktree.cli.options import ADDRESS_HELP, OutputFormat
from bough.worktree.cli.terminal import say, style_for

_FOLLOW_PAUSE_S = 0.05
_OUTPUT = frozenset({STDOUT, STDERR})
_KINDS = frozenset({*_OUTPUT, STATUS})


def logs(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help=ADDRESS_HELP)],
    stdout: Annotated[bool, typer.Option("--stdout", help="Only what it printed there.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Only what it printed there.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only the records of its start and end.")
    ] = False,
    seq: Annotated[bool, typer.Option("--seq", help="Number the records.")] = False,
    since_seq: Annotated[
        int, typer.Option("--since-seq", min=0, metavar="N", help="Only records after this number.")
    ] = 0,
    last: Annotated[
        int | None, typer.Option("--tail", min=0, metavar="N", help="Only the last N records.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until the job ends.")
    ] = False,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Print a job's log; with --follow as it grows."""
    if format_ not in {Format.TABLE, Format.NDJSON, Format.JSON}:
        raise UsageError("a log is written as text, json or ndjson", hint="--format ndjson")
    if follow and format_ is Format.JSON:
        raise UsageError(
            "a log that is followed has no end to close a list", hint="--format ndjson"
        )
    chosen = {name for name, on in ((STDOUT, stdout), (STDERR, stderr), (STATUS, status)) if on}
    kinds = frozenset(chosen) or (_OUTPUT if format_ is Format.TABLE else _KINDS)
    printer = _Printer(kinds, numbered=seq, format_=format_)
    with open_store(context, format_) as store:
        job = truthful(store.places, [store.find(address)])[0]
        path = store.places.absolute(job.log_path) if job.log_path else ""
        if not os.path.exists(path) and (job.status.terminal or not follow):
            say(f"{shown(job.address)} has no log: {_state(job)}")
        elif last is None and not follow:
            printer.print(read_records(path, since_seq=since_seq))
        else:
            newest = since_seq
            if last is not None:
                # First how far it goes: what is written from now on is for the follower.
                newest = _newest(path, since_seq)
                found = tail(path, last, kinds)
                printer.print(r for r in found if since_seq < r.seq <= newest)
            if follow:
                _follow(store, job, newest, printer)
    printer.close()
    return Exit.OK


def _newest(path: str, since_seq: int) -> int:
    newest = tail(path, 1)
    return max(newest[-1].seq, since_seq) if newest else since_seq


def _follow(store: JobStore, job: Job, since_seq: int, printer: _Printer) -> None:
    with Follower(store.places.absolute(job.log_path), since_seq=since_seq) as follower:
        while True:
            row = jobs.reload(store.required(), job) or job
            row = truthful(store.places, [row])[0]
            while records := follower.read_new():
                printer.print(records)
            if follower.ended:
                return
            if row.status.terminal:
                say(f"bough: {shown(job.address)} ended without a last record: {_state(row)}")
                return
            time.sleep(_FOLLOW_PAUSE_S)


def _state(job: Job) -> str:
    because = f" ({shown(job.reason)})" if job.reason else ""
    return f"{job.status.replace('_', ' ')}{because}"


class _Printer:
    """Writes records as text or JSON; of a list in JSON it remembers whether it is open.

    In text a note about what is missing is talk, whatever kinds are wanted: nobody is to take a
    gap for the whole.
    """

    def __init__(self, kinds: frozenset[str], *, numbered: bool, format_: Format) -> None:
        self._kinds = kinds
        self._numbered = numbered
        self._format = format_
        self._first = True
        self._amid = False
        self._style = style_for(sys.stderr)

    def print(self, records: Iterable[Record]) -> None:
        """Write those records whose kind is wanted."""
        out = sys.stdout.buffer
        for record in records:
            if record.status == TRUNCATED and self._format is Format.TABLE:
                out.flush()
                say(f"{self._style.dim}[{record.text}]{self._style.reset}")
            elif record.kind in self._kinds or record.kind not in _KINDS:
                out.write(self._text(record))
                self._first = False
        out.flush()

    def close(self) -> None:
        """End what was begun."""
        if self._format is Format.JSON:
            sys.stdout.buffer.write(b"[]\n" if self._first else b"\n]\n")
            sys.stdout.buffer.flush()

    def _text(self, record: Record) -> bytes:
        if self._format is Format.TABLE:
            number = b"%d\t" % record.seq if self._numbered and not self._amid else b""
            label = f"{record.status}: ".encode() if record.status else b""
            self._amid = record.more
            return number + label + record.raw + (b"" if record.more else b"\n")
        body = json.dumps(record.as_dict()).encode()
        if self._format is Format.NDJSON:
            return body + b"\n"
        return (b"[\n  " if self._first else b",\n  ") + body
