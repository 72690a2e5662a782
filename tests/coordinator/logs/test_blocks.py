"""Whole lines in and out of a file that grows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.logs import blocks
from bough.coordinator.logs.blocks import append, lines_backwards, lines_from, whole_lines
from tests.coordinator.logs.support import file_size_limit


@contextmanager
def opened(content: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(content)
        yield file.fileno()


contents = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"long" * 5]), max_size=30).map(
    b"".join
)


@given(content=contents, size=st.integers(1, 12))
def test_both_directions_give_the_complete_lines_whatever_the_block_size(
    content: bytes, size: int
) -> None:
    complete = content.split(b"\n")[:-1]
    with opened(content) as fd, patch.object(blocks, "BLOCK", size):
        assert list(lines_from(fd, 0)) == complete
        assert list(lines_backwards(fd)) == complete[::-1]


@given(content=contents, before=contents)
def test_reading_backwards_stops_at_the_start(content: bytes, before: bytes) -> None:
    with opened(before + content) as fd, patch.object(blocks, "BLOCK", 7):
        assert list(lines_backwards(fd, len(before))) == content.split(b"\n")[:-1][::-1]


def test_a_line_longer_than_a_block_comes_whole() -> None:
    with opened(b"x" * (3 * blocks.BLOCK) + b"\nrest") as fd:
        assert len(whole_lines(fd, 0)) == 3 * blocks.BLOCK + 1
        assert whole_lines(fd, 3 * blocks.BLOCK + 1) == b""


def test_a_write_that_does_not_fit_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        append(fd, b"first\n")
        with file_size_limit(15), pytest.raises(OSError, match="File too large"):
            append(fd, b"second\nthird\n")
        assert path.read_bytes() == b"first\nsecond\n"
        append(fd, b"fourth\n")
    finally:
        os.close(fd)
    assert path.read_bytes() == b"first\nsecond\nfourth\n"
