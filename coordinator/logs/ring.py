"""The end of a log that outgrew its cap: two segments beside the file, overwritten in turn.

Segment files are `<log>.ring0` and `<log>.ring1`. The first line of each is
`{"ring":[origin,generation,first,lines,bytes,carried]}`: the first seq of the whole ring, how many
segments it had before this one, the seq of this one's first own record, how many source lines and
bytes went into the ring before it, and how many status records follow that were rescued from the
segment it replaces. Then come its own records. When the job ends, `fold` appends to the log what
the segments hold.

Invariants: a segment appears under its name complete with its rescued status records (rename), so
a kill at any point loses none; segments of neighbouring generations are both there or the older is
the first; what an older reader has open stays readable, since segments are replaced, never cut.
A segment holds at most its limit, or one single record. The job supervisor imports this module.
"""

from __future__ import annotations

import os
from itertools import islice

from bough.coordinator.logs.blocks import append, lines_from, whole_lines
from bough.coordinator.logs.records import encode_truncated, seq_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_HEADER = b'{"ring":['


def segment_path(path: str, slot: int) -> str:
    """The file of segment 0 or 1 of the log at `path`."""
    return f"{path}.ring{slot}"


class Segment:
    """A segment opened for reading; `offset` is where its own records begin."""

    __slots__ = ("carried", "fd", "first", "identity", "lines", "offset", "origin", "place", "size")

    def __init__(self, fd: int, header: list[int], carried: list[bytes], offset: int) -> None:
        self.fd = fd
        self.origin, generation, self.first, self.lines, self.size, _ = header
        self.place = (self.origin, generation)
        """Neighbours in one ring have the same origin and generations that follow each other."""
        self.carried = carried
        self.offset = offset
        info = os.fstat(fd)
        self.identity = (info.st_dev, info.st_ino)

    def close(self) -> None:
        os.close(self.fd)


def open_segment(path: str, slot: int) -> Segment | None:
    """The segment in this slot, or None if there is none that can be understood."""
    try:
        fd = os.open(segment_path(path, slot), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    lines = lines_from(fd, 0)
    header_line = next(lines, b"")
    header = _parse_header(header_line)
    if header is None:
        os.close(fd)
        return None
    carried = list(islice(lines, header[5]))
    return Segment(fd, header, carried, sum(len(line) + 1 for line in (header_line, *carried)))


def open_segments(path: str) -> list[Segment]:
    """The segments that exist, oldest first: one, or two neighbours."""
    found = [segment for slot in (0, 1) if (segment := open_segment(path, slot)) is not None]
    found.sort(key=lambda segment: segment.place)
    if len(found) == 2 and found[0].place[1] + 1 != found[1].place[1]:
        found.pop(0).close()  # the writer went round between the two looks
    return found


def segments_exist(path: str) -> bool:
    """Whether the log has segments beside it."""
    return any(os.path.lexists(segment_path(path, slot)) for slot in (0, 1))


def _parse_header(line: bytes) -> list[int] | None:
    numbers = line.removeprefix(_HEADER).removesuffix(b"]}").split(b",")
    if not line.startswith(_HEADER) or len(numbers) != 6 or not all(map(bytes.isdigit, numbers)):
        return None
    return [int(number) for number in numbers]


def lost_seq(first: int, taken: Container[int]) -> int:
    """The seq for the record that tells what is missing before `first`: one of the missing ones.

    `taken` are those of rescued status records. Deterministic, so that the record a reader makes up
    for a running job and the one finally written are the same one.
    """
    seq = first - 1
    while seq in taken:
        seq -= 1
    return seq


def fold(path: str, fd: int, last: int, ts: str) -> int:
    """Append to the log open at `fd` what the segments hold past seq `last`; the new last seq.

    Says first what is missing. The segments stay; OSError leaves whole records behind.
    """
    segments = open_segments(path)
    try:
        for block in _folded(segments, last, ts):
            append(fd, block)
            last = seq_of(block[block.rfind(b"\n", 0, -1) + 1 :]) or last
    finally:
        for segment in segments:
            segment.close()
    return last


def _folded(segments: list[Segment], last: int, ts: str) -> Iterator[bytes]:
    notes = {seq_of(line) or 0: line + b"\n" for seg in segments for line in seg.carried}
    if segments and segments[0].size:
        oldest = segments[0]
        seq = lost_seq(oldest.first, notes)
        record = encode_truncated(seq, ts, lines=oldest.lines, size=oldest.size)
        notes[seq] = record.encode("ascii")
    if told := [notes[seq] for seq in sorted(notes) if seq > last]:
        yield b"".join(told)
    for segment in segments:
        offset = segment.offset
        while block := whole_lines(segment.fd, offset):
            offset += len(block)
            if new := _past(block, last):
                yield new


def _past(block: bytes, last: int) -> bytes:
    if (seq_of(block) or 0) > last:
        return block
    lines = block[:-1].split(b"\n")
    return b"".join(line + b"\n" for line in lines if (seq_of(line) or 0) > last)


def remove_segments(path: str) -> None:
    """Remove the segments and what a kill may have left of a new one."""
    for slot in (0, 1):
        for name in (segment_path(path, slot), f"{segment_path(path, slot)}.new"):
            try:
                os.unlink(name)
            except FileNotFoundError:
                continue


def fitting(records: list[str], start: int, room: int) -> int:
    """The end of the longest run of records from `start` on that fits into `room` bytes."""
    stop = start
    for record in islice(records, start, None):
        room -= len(record)
        if room < 0:
            break
        stop += 1
    return stop


class Ring:
    """The writing side. Its one user passes records in the order of their seq."""

    __slots__ = (
        "_fd",
        "_generation",
        "_limit",
        "_lines",
        "_origin",
        "_path",
        "_rescued",
        "_size",
        "_used",
    )

    def __init__(self, path: str, limit: int) -> None:
        """`limit` is the most one segment holds, in bytes."""
        self._path = path
        self._limit = limit
        self._origin: int | None = None
        self._generation = -1
        self._fd = -1
        self._used = 0
        self._lines = 0
        self._size = 0
        self._rescued: tuple[list[str], list[str]] = ([], [])

    def write(self, records: list[str], sizes: list[int], ends: list[int]) -> None:
        """Write output records; `sizes` are their source bytes, `ends` 1 where a line ends."""
        start = 0
        while start < len(records):
            self._make_room(records[start])
            stop = max(start + 1, fitting(records, start, self._limit - self._used))
            self._put("".join(records[start:stop]))
            self._lines += sum(ends[start:stop])
            self._size += sum(sizes[start:stop])
            start = stop

    def write_status(self, record: str) -> None:
        """Write a status record, which later segments carry on."""
        self._make_room(record)
        self._put(record)
        self._rescued[self._generation % 2].append(record)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put(self, text: str) -> None:
        append(self._fd, text.encode("ascii"))
        self._used += len(text)

    def _make_room(self, record: str) -> None:
        if self._fd < 0 or (self._used and self._used + len(record) > self._limit):
            self._next_segment(record)

    def _next_segment(self, record: str) -> None:
        generation = self._generation + 1
        carried = self._rescued[generation % 2]
        first = seq_of(record.encode("ascii"))
        origin = self._origin or first
        header = f"{origin},{generation},{first},{self._lines},{self._size},{len(carried)}"
        name = segment_path(self._path, generation % 2)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(f"{name}.new", flags, 0o600)
        try:
            append(fd, f'{{"ring":[{header}]}}\n{"".join(carried)}'.encode("ascii"))
            os.rename(f"{name}.new", name)
        except OSError:
            os.close(fd)
            raise
        self.close()
        self._fd = fd
        self._origin = origin
        self._generation = generation
        self._used = 0
