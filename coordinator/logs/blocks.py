"""Reading and appending whole lines of a file that another process may be writing.

Invariants: what is appended is either whole or cut back to whole lines, so that a full disk leaves
no torn line; what is read ends at a newline, so that a line still being written is read later, from
its beginning. The job supervisor imports this module.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 256 * 1024


def append(fd: int, data: bytes) -> None:
    """Write all of `data` (whole lines) to a file opened for appending.

    On OSError the lines that fitted stay and the rest of a torn one is removed.
    """
    done = 0
    view = memoryview(data)
    try:
        while done < len(data):
            done += os.write(fd, view[done:])
    except OSError:
        torn = done - (data.rfind(b"\n", 0, done) + 1)
        if torn:
            os.ftruncate(fd, os.fstat(fd).st_size - torn)
        raise


def whole_lines(fd: int, offset: int) -> bytes:
    """About `BLOCK` bytes of whole lines from `offset` on; empty if no line is complete there."""
    size = BLOCK
    while True:
        block = os.pread(fd, size, offset)
        end = block.rfind(b"\n") + 1
        if end or len(block) < size:
            return block[:end]
        size *= 2


def torn_line(fd: int) -> bytes:
    """What follows the file's last newline: empty unless its writer was stopped in a line."""
    position = os.fstat(fd).st_size
    torn = b""
    while position > 0:
        size = min(BLOCK, position)
        position -= size
        _, newline, rest = os.pread(fd, size, position).rpartition(b"\n")
        torn = rest + torn
        if newline:
            break
    return torn


def lines_from(fd: int, offset: int) -> Iterator[bytes]:
    """The complete lines from `offset` on, without their newlines."""
    while block := whole_lines(fd, offset):
        offset += len(block)
        yield from block[:-1].split(b"\n")


def lines_backwards(fd: int, start: int = 0) -> Iterator[bytes]:
    """The complete lines of the file down to the one at `start`, the last one first."""
    position = os.fstat(fd).st_size
    rest = b""
    whole = False  # whether `rest` is followed by a newline
    while position > start:
        size = min(BLOCK, position - start)
        position -= size
        rest, *lines = (os.pread(fd, size, position) + rest).split(b"\n")
        if lines and not whole:
            lines.pop()  # empty, or torn
            whole = True
        yield from reversed(lines)
    if whole:
        yield rest
