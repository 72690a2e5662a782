"""Reading a job's log, while it is written and after: all of it, its end, or what is new.

Three sources make up a log: the file, the ring segments while a job past its cap runs (or after its
writer was killed), and, where segments were overwritten, a record made up here that says what is
missing. `Follower` puts them in order; `read_records` and `tail` give the same records.

Invariants: `seq` of what is returned grows strictly, so nothing comes twice; malformed lines are
skipped, a torn last line waits until it is complete; unknown kinds pass through, and unknown fields
are in `fields`. Nothing is created or changed.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple, Self

from bough.coordinator.clock import iso_us
from bough.coordinator.logs.blocks import lines_backwards, whole_lines
from bough.coordinator.logs.records import (
    RESERVED,
    STATUS,
    TERMINAL,
    decode_record,
    decoded_b64,
    encode_truncated,
    seq_of,
)
from bough.coordinator.logs.ring import (
    Segment,
    lost_seq,
    open_segment,
    open_segments,
    segment_path,
)

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_STATUS_MARK = b'"kind":"status"'  # quotes inside texts are escaped: only the key reads like this
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Record(NamedTuple):
    """One record. `data` is text, or bytes where the output was not UTF-8.

    `more`: the source line goes on in the stream's next record; `nonl`: it ended without a newline.
    `status` is a status record's own, else empty. `fields` are all others the record has.
    """

    seq: int
    ts: str
    kind: str
    data: str | bytes
    status: str = ""
    more: bool = False
    nonl: bool = False
    fields: Mapping[str, object] = _NO_FIELDS

    @property
    def raw(self) -> bytes:
        """The exact bytes of this piece of a line, without its newline."""
        if isinstance(self.data, bytes):
            return self.data
        try:
            return self.data.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return self.data.encode("utf-8", "surrogatepass")

    @property
    def text(self) -> str:
        """The piece for showing; undecodable bytes are replacement characters."""
        return self.raw.decode("utf-8", "replace")

    def as_dict(self) -> dict[str, object]:
        """The record as the file has it: bytes that are no text in `b64`."""
        body: dict[str, object] = {"seq": self.seq, "ts": self.ts, "kind": self.kind}
        if isinstance(self.data, bytes):
            body["b64"] = b64encode(self.data).decode("ascii")
        else:
            body["data"] = self.data
        if self.status:
            body["status"] = self.status
        if self.more:
            body["more"] = True
        if self.nonl:
            body["nonl"] = True
        return body | dict(self.fields)

    @property
    def newline(self) -> bool:
        """Whether the source had a newline after this piece."""
        return not self.more and not self.nonl

    @property
    def terminal(self) -> bool:
        """Whether this is the last record of a log that ended well."""
        return self.kind == STATUS and self.status in TERMINAL


def parse_record(line: bytes) -> Record | None:
    """The record on a line of the log; None if the line is malformed."""
    found = decode_record(line)
    if found is None:
        return None
    status = found.get("status") if found["kind"] == STATUS else ""
    extra = {name: value for name, value in found.items() if name not in RESERVED}
    return Record(
        seq=found["seq"],  # type: ignore[arg-type]  # decode_record checks the types
        ts=found["ts"],  # type: ignore[arg-type]  # likewise
        kind=found["kind"],  # type: ignore[arg-type]  # likewise
        data=(decoded_b64(found) or b"") if "b64" in found else str(found.get("data", "")),
        status=str(status),
        more=found.get("more") is True,
        nonl=found.get("nonl") is True,
        fields=extra or _NO_FIELDS,
    )


def read_records(
    path: str, *, kinds: Collection[str] | None = None, since_seq: int = 0
) -> Iterator[Record]:
    """The records past `since_seq`, of these kinds (None: all), up to what is there at the call.

    A log that does not exist is empty.
    """
    newest = tail(path, 1)
    with Follower(path, since_seq=since_seq) as follower:
        while newest and (batch := follower.read_new()):
            for record in batch:
                if record.seq > newest[-1].seq:
                    return
                if kinds is None or record.kind in kinds:
                    yield record


def tail(path: str, n: int, kinds: Collection[str] | None = None) -> list[Record]:
    """The last `n` records of these kinds (None: all), read from the end backwards."""
    if n <= 0:
        return []
    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        return []
    segments: list[Segment] = []
    try:
        # The segments first: if they are folded into the file meanwhile, the file has it all.
        segments = open_segments(path)
        found = {record.seq: record for record in _ring_notes(segments, 0, 0)}
        sources = [(segment.fd, segment.offset) for segment in segments] + [(fd, 0)]
        for source, start in sources:
            records = filter(None, map(parse_record, lines_backwards(source, start)))
            wanted = (record for record in records if kinds is None or record.kind in kinds)
            found.update((record.seq, record) for record in islice(wanted, n))
    finally:
        os.close(fd)
        for segment in segments:
            segment.close()
    chosen = [found[seq] for seq in sorted(found) if kinds is None or found[seq].kind in kinds]
    return chosen[-n:]


def _ring_notes(segments: list[Segment], lines: int, size: int) -> list[Record]:
    """What stands before the first segment's own records, for a reader who saw so much of the
    ring: rescued status records, and how much it has missed."""
    if not segments:
        return []
    oldest = segments[0]
    carried = (parse_record(line) for segment in segments for line in segment.carried)
    notes = {record.seq: record for record in carried if record and record.seq < oldest.first}
    if oldest.size > size:
        seq = lost_seq(oldest.first, notes)
        line = encode_truncated(seq, iso_us(), lines=oldest.lines - lines, size=oldest.size - size)
        missing = parse_record(line.encode("ascii"))
        if missing is not None:
            notes[seq] = missing
    return [notes[seq] for seq in sorted(notes)]


def _parse(block: bytes, last: int) -> Iterator[Record]:
    """The records in a block of lines; of those up to seq `last` only status records."""
    for line in block.split(b"\n"):
        if (seq_of(line) or last + 1) > last or _STATUS_MARK in line:
            record = parse_record(line)
            if record is not None:
                yield record


class _RingFollower:
    """Reads segments in the order of the ring. What it has open it can read to the end, also after
    the writer has replaced it; and as long as it is open, no other segment can look the same."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._slots: list[Segment | None] = [None, None]
        self._queue: list[Segment] = []
        self._next = (0, 0)
        """The place of the segment that follows what was read."""
        self._lines = 0
        self._size = 0
        """What of the ring was read or reported as missing, as segment headers count it."""

    def close(self) -> None:
        for segment in {*self._queue, *filter(None, self._slots)}:
            segment.close()
        self._queue = []
        self._slots = [None, None]

    def read(self) -> list[Record]:
        """The next records, about a block of them; empty if there are none for now."""
        self._refresh()
        while self._queue:
            segment = self._queue[0]
            records = self._jump() if segment.place != self._next else []
            block = whole_lines(segment.fd, segment.offset)
            segment.offset += len(block)
            own = list(_parse(block, 0))
            self._count(own)
            if records or own:
                return records + own
            if len(self._queue) == 1:
                break
            # A newer segment was there before this one was found at its end: it is complete.
            self._next = (segment.origin, segment.place[1] + 1)
            self._release(self._queue.pop(0))
        return []

    def _refresh(self) -> None:
        known = len(self._queue)
        # Once more after any change: between two looks the writer may have gone round.
        while any(self._look(slot) for slot in (0, 1)):
            self._queue[known:] = sorted(self._queue[known:], key=lambda found: found.place)

    def _look(self, slot: int) -> bool:
        before = self._slots[slot]
        try:
            info = os.lstat(segment_path(self._path, slot))
        except FileNotFoundError:
            return False
        if before is not None and before.identity == (info.st_dev, info.st_ino):
            return False
        segment = open_segment(self._path, slot)
        if segment is None:
            return False
        self._slots[slot] = segment
        self._queue.append(segment)
        if before is not None:
            self._release(before)
        return True

    def _release(self, segment: Segment) -> None:
        if segment not in self._slots and segment not in self._queue:
            segment.close()

    def _jump(self) -> list[Record]:
        """Go on at the oldest segment there is, telling what was missed."""
        oldest = self._queue[0]
        if oldest.origin != self._next[0]:  # a first ring, or another writer's after a fold
            self._lines = self._size = 0
        notes = _ring_notes(self._queue, self._lines, self._size)
        self._next, self._lines, self._size = oldest.place, oldest.lines, oldest.size
        return notes

    def _count(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.kind != STATUS:
                self._lines += not record.more
                self._size += len(record.raw) + record.newline


class Follower:
    """Reads a log as it grows, from the record after `since_seq` on. `close` it in the end.

    `ended` is set once the log's last record was met; a log whose writer was killed never has one.
    """

    def __init__(self, path: str, *, since_seq: int = 0) -> None:
        self.ended = False
        self._path = path
        self._last = since_seq
        self._fd = -1
        self._offset = 0
        self._ring = _RingFollower(path)
        self._ahead: list[Record] = []
        """Records of the ring, to be given once the file before them is read to its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; may be repeated."""
        self._ring.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read_new(self) -> list[Record]:
        """The next records, about a block of them; empty if there are none for now. Never waits."""
        if self._fd < 0 and not self._open():
            return []
        while True:
            # The ring first: when the file then turns out to be at its end, it lacks nothing that
            # came before these records.
            self._ahead = self._ahead or self._ring.read()
            block = whole_lines(self._fd, self._offset)
            if block:
                self._offset += len(block)
                new = self._advance(_parse(block, self._last))
            elif self._ahead:
                ahead, self._ahead = self._ahead, []
                new = self._advance(ahead)
            else:
                return []
            if new:
                return new

    def _open(self) -> bool:
        try:
            self._fd = os.open(self._path, _FLAGS)
        except FileNotFoundError:
            return False
        return True

    def _advance(self, records: Iterable[Record]) -> list[Record]:
        new = []
        for record in records:
            self.ended = self.ended or record.terminal
            if record.seq > self._last:
                self._last = record.seq
                new.append(record)
        return new
