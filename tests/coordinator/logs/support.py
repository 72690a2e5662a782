"""What the tests of the log share: fed streams, what comes back, and a disk that is full."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bough.coordinator.logs.reader import Record, read_records
from bough.coordinator.logs.records import seq_of
from bough.coordinator.logs.writer import LogWriter

OUTPUT = ("stdout", "stderr")


def writer_at(path: Path, *, max_size: int | None = None, sample_every: int = 1) -> LogWriter:
    return LogWriter(str(path), max_size=max_size, sample_every=sample_every)


def records_at(path: Path) -> list[Record]:
    """All records, having checked that their seq grows strictly."""
    records = list(read_records(str(path)))
    seqs = [record.seq for record in records]
    assert seqs == sorted(set(seqs))
    return records


def seqs_in(path: Path) -> list[int | None]:
    """What the lines of the file itself begin with, which nothing has put in order."""
    return [seq_of(line) for line in path.read_bytes().split(b"\n")[:-1]]


def stream_of(records: Iterable[Record], kind: str) -> bytes:
    """The bytes of one stream, put together from its records."""
    chosen = (record for record in records if record.kind == kind)
    return b"".join(record.raw + (b"\n" if record.newline else b"") for record in chosen)


def texts(records: Iterable[Record], kind: str = "stdout") -> list[str]:
    return [record.text for record in records if record.kind == kind]


def statuses(records: Iterable[Record]) -> list[str]:
    return [record.status for record in records if record.kind == "status"]


def numbered(start: int, stop: int) -> bytes:
    """Output lines that are numbers."""
    return b"".join(b"%d\n" % number for number in range(start, stop))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let writes past `size` bytes of a file fail in this process, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
