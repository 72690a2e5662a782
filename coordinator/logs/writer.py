"""Writing a job's log: the one writer, used by foreground commands and by supervisors.

Two byte streams and the job's changes of state become records. Each stream is masked before it is
cut into lines; lines are sampled and capped. The first half of the cap is the head, written to the
file itself; past it records go into a `Ring`, which `finish` folds back into the file.

Invariants: `seq` grows strictly in the file; status records are written before the call returns
and are dropped by neither sampling nor cap; the records of a source line are the same however the
reads cut it; memory is bounded by the chunk fed plus one piece per stream. A write that fails
(disk full) never reaches whoever pumps the job's output: the writer is `failed` from then on, and
still echoes and counts. One process at a time writes a log (the job's lock sees to that). The job
supervisor imports this module.
"""

from __future__ import annotations

import os

from bough.coordinator.clock import iso_us
from bough.coordinator.logs.blocks import append, lines_backwards, torn_line
from bough.coordinator.logs.masker import Masker
from bough.coordinator.logs.records import (
    PIECE_LIMIT,
    STDERR,
    STDOUT,
    TRUNCATED,
    decode_record,
    encode_lines,
    encode_record,
    encode_status,
    seq_of,
)
from bough.coordinator.logs.ring import Ring, fitting, fold, remove_segments, segments_exist
from bough.coordinator.secrets import mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class _Stream:
    """What is known of one stream between two reads."""

    __slots__ = ("continued", "kept", "kind", "masker", "partial")

    def __init__(self, kind: str, secrets: Iterable[bytes]) -> None:
        self.kind = kind
        self.masker = Masker(secrets)
        self.partial = bytearray()
        self.continued = False
        """Whether a piece of the line that `partial` belongs to was written already."""
        self.kept = True
        """Whether sampling keeps that line."""


class _Batch:
    """Records on their way to the file; per record the source bytes, and 1 where a line ends."""

    __slots__ = ("ends", "records", "sizes")

    def __init__(self) -> None:
        self.records: list[str] = []
        self.sizes: list[int] = []
        self.ends: list[int] = []

    def split(self, stop: int) -> str:
        """Take the first `stop` records out, as text."""
        text = "".join(self.records[:stop])
        for column in (self.records, self.sizes, self.ends):
            del column[:stop]
        return text


class LogWriter:
    """Appends to the log at `path`; opening may raise OSError, nothing later does.

    `max_size` is the cap in bytes (None: none), `sample_every` n keeps the n-th, 2n-th, … source
    line. `secrets` are masked in output and in every text of a status record. `sink(kind, piece)`
    gets every masked source line, with its newline if it has one (a line over `PIECE_LIMIT` comes
    in pieces), before sampling and cap, after the write.

    A log that exists is continued: a torn last line is mended (ended if it lacks only its newline,
    else removed), `seq` goes on, and segments of a writer that was killed are folded in.

    `lines` counts the source lines of this writer, over both streams; `bytes` is the size of the
    file; `error` says why a writer has `failed`.
    """

    def __init__(
        self,
        path: str,
        *,
        max_size: int | None,
        sample_every: int,
        secrets: Iterable[bytes] = (),
        sink: Callable[[str, bytes], None] | None = None,
    ) -> None:
        if sample_every < 1:
            raise ValueError(f"sample_every must be at least 1, not {sample_every}")
        known = tuple(secrets)
        self.lines = 0
        self.bytes = 0
        self.failed = False
        self.error = ""
        self._path = path
        self._head = None if max_size is None else max_size // 2
        self._segment = 0 if max_size is None else max_size // 4
        self._every = sample_every
        self._texts = tuple(secret.decode("utf-8", "surrogateescape") for secret in known)
        self._sink = sink
        self._streams = {kind: _Stream(kind, known) for kind in (STDOUT, STDERR)}
        self._batch = _Batch()
        self._echo: list[tuple[str, bytes]] = []
        self._ring: Ring | None = None
        self._folded = False
        self._lost = False
        self._seq = 0
        self._ts = iso_us()
        self._fd = os.open(path, _FLAGS, 0o600)
        try:
            self._continue()
        except OSError:
            os.close(self._fd)
            raise

    def status(self, status: str, /, data: str = "", **fields: object) -> None:
        """Write a status record; `fields` are JSON values, `data` says the same to people."""
        self._seq += 1
        record = encode_status(self._seq, iso_us(), status, data, fields, self._mask)
        try:
            if self._ring is None:
                self._append(record)
            else:
                self._ring.write_status(record)
        except OSError as error:
            self._fail(error)

    def feed(self, kind: str, chunk: bytes) -> None:
        """Take what was read from the job's `stdout` or `stderr`."""
        stream = self._streams[kind]
        data = stream.masker.feed(chunk)
        if data:
            self._ts = iso_us()
            self._take(stream, data)
            self._flush()

    def end_stream(self, kind: str) -> None:
        """The stream has ended: write what it left without a newline."""
        stream = self._streams[kind]
        self._ts = iso_us()
        self._take(stream, stream.masker.flush())
        if stream.partial:
            self._piece(stream, bytes(stream.partial), nonl=True)
            stream.partial.clear()
        self._flush()

    def finish(self, status: str, /, data: str = "", **fields: object) -> None:
        """End the streams, put the log together, and write its last status record."""
        self._wind_up()
        if self._lost:
            text = f"output is missing here: it could not be written ({self.error})"
            self.status(TRUNCATED, text, error=self.error)
        self.status(status, data, **fields)
        self._settle()

    def close(self) -> None:
        """Close the file; a log that was not finished is put together first. May be repeated."""
        if self._fd < 0:
            return
        self._wind_up()
        self._settle()
        if self._ring is not None:
            self._ring.close()
        os.close(self._fd)
        self._fd = -1

    def _continue(self) -> None:
        self.bytes = os.fstat(self._fd).st_size
        torn = torn_line(self._fd)
        if torn and decode_record(torn) is not None:
            self._append("\n")
        elif torn:
            self.bytes -= len(torn)
            os.ftruncate(self._fd, self.bytes)
        self._seq = self._last_in_file()
        if segments_exist(self._path):
            self._fold()
            self._settle()

    def _last_in_file(self) -> int:
        return next((seq for line in lines_backwards(self._fd) if (seq := seq_of(line))), 0)

    def _mask(self, text: str) -> str:
        return mask_text(text, self._texts)

    def _take(self, stream: _Stream, data: bytes) -> None:
        cut = data.rfind(b"\n")
        if cut < 0:
            stream.partial += data
        else:
            block = bytes(stream.partial) + data[:cut]
            stream.partial = bytearray(memoryview(data)[cut + 1 :])
            lines = block.split(b"\n")
            if stream.continued or (
                len(block) > PIECE_LIMIT and max(map(len, lines)) > PIECE_LIMIT
            ):
                for line in lines:
                    self._piece(stream, line[self._pieces(stream, line) :])
            else:
                self._whole_lines(stream.kind, lines)
        del stream.partial[: self._pieces(stream, stream.partial)]

    def _pieces(self, stream: _Stream, line: bytes | bytearray) -> int:
        """Write all but the last piece of a line; returns where the last one begins."""
        start = 0
        while len(line) - start > PIECE_LIMIT:
            stop = _character_start(line, start + PIECE_LIMIT)
            self._piece(stream, bytes(line[start:stop]), more=True)
            start = stop
        return start

    def _piece(
        self, stream: _Stream, raw: bytes, *, more: bool = False, nonl: bool = False
    ) -> None:
        self._seq += 1
        if not stream.continued:
            self.lines += 1
            stream.kept = self.lines % self._every == 0
        stream.continued = more
        newline = not more and not nonl
        if stream.kept:
            batch = self._batch
            record = encode_record(self._seq, self._ts, stream.kind, raw, more=more, nonl=nonl)
            batch.records.append(record)
            batch.sizes.append(len(raw) + newline)
            batch.ends.append(not more)
        if self._sink is not None:
            self._echo.append((stream.kind, raw + b"\n" if newline else raw))

    def _whole_lines(self, kind: str, lines: list[bytes]) -> None:
        """What `_piece` does for lines that need no splitting, many at a time."""
        count = len(lines)
        first = -(self.lines + 1) % self._every
        kept = lines if self._every == 1 else lines[first :: self._every]
        if kept:
            seqs = range(self._seq + 1 + first, self._seq + count + 1, self._every)
            self._batch.records += encode_lines(seqs, self._ts, kind, kept)
            self._batch.sizes += [len(line) + 1 for line in kept]
            self._batch.ends += [1] * len(kept)
        self._seq += count
        self.lines += count
        if self._sink is not None:
            self._echo += [(kind, line + b"\n") for line in lines]

    def _flush(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if batch.records:
            self._keep(batch)
        if self._sink is not None:
            echo, self._echo = self._echo, []
            for kind, piece in echo:
                self._sink(kind, piece)

    def _keep(self, batch: _Batch) -> None:
        if not self.failed:
            try:
                self._store(batch)
                return
            except OSError as error:
                self._fail(error)
        self._lost = True

    def _store(self, batch: _Batch) -> None:
        if self._ring is None:
            text = "".join(batch.records)
            if self._head is None or self.bytes + len(text) <= self._head:
                self._append(text)
                return
            self._append(batch.split(fitting(batch.records, 0, self._head - self.bytes)))
            self._ring = Ring(self._path, self._segment)
        self._ring.write(batch.records, batch.sizes, batch.ends)

    def _append(self, text: str) -> None:
        append(self._fd, text.encode("ascii"))
        self.bytes += len(text)

    def _fail(self, error: OSError) -> None:
        self.failed = True
        self.error = error.strerror or str(error)
        self.bytes = os.fstat(self._fd).st_size

    def _wind_up(self) -> None:
        for kind in self._streams:
            self.end_stream(kind)
        if self._ring is not None:
            self._fold()

    def _fold(self) -> None:
        """Fold the segments in; if that fails they stay, and readers find the end in them."""
        try:
            self._seq = max(self._seq, fold(self._path, self._fd, self._last_in_file(), iso_us()))
        except OSError as error:
            self._fail(error)
            return
        self.bytes = os.fstat(self._fd).st_size
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        self._folded = True

    def _settle(self) -> None:
        """Segments go once the file that now holds their records is on the disk."""
        if self._folded:
            try:
                os.fsync(self._fd)
                remove_segments(self._path)
            except OSError as error:
                self._fail(error)
            self._folded = False


def _character_start(line: bytes | bytearray, stop: int) -> int:
    """`stop`, or up to three bytes before it where the UTF-8 character that it would cut begins."""
    start = stop
    while stop - start < 4 and line[start] & 0xC0 == 0x80:
        start -= 1
    return start if stop - start < 4 else stop
