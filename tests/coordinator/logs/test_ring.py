"""The cap: a head, a tail, what is missing between them; and kills while that is put together."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bough.coordinator.logs.reader import Record, tail
from bough.coordinator.logs.ring import open_segment, open_segments, segment_path
from tests.coordinator.logs.support import (
    file_size_limit,
    numbered,
    records_at,
    seqs_in,
    statuses,
    texts,
    writer_at,
)

RECORD = 100
"""More than a record of a small number has, status records excepted."""
STATUS_RECORD = 260


def folder_content(path: Path) -> set[str]:
    return {entry.name for entry in path.parent.iterdir()}


def check_head_gap_tail(records: list[Record], count: int, every: int = 1) -> None:
    """What is there is a head and a tail of the kept numbers, and the gap is told exactly."""
    expected = [str(number) for number in range(count)][every - 1 :: every]
    gaps = [index for index, record in enumerate(records) if record.status == "truncated"]
    got = texts(records)
    if not gaps:
        assert got == expected
        return
    assert len(gaps) == 1
    head, tail = texts(records[: gaps[0]]), texts(records[gaps[0] :])
    assert head == expected[: len(head)]
    assert tail == expected[len(expected) - len(tail) :]
    missing = expected[len(head) : len(expected) - len(tail)]
    assert records[gaps[0]].fields == {
        "lines": len(missing),
        "bytes": sum(len(text) + 1 for text in missing),
    }


steps = st.lists(st.one_of(st.integers(1, 100), st.just("status")), max_size=12)


@settings(max_examples=60)
@given(steps=steps, cap=st.integers(0, 12_000), every=st.sampled_from([1, 1, 2, 7]))
def test_a_capped_log_is_head_gap_and_tail_with_every_status(
    steps: list[int | str], cap: int, every: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output.jsonl"
        writer = writer_at(path, max_size=cap, sample_every=every)
        writer.status("started")
        count = told = 0
        for step in steps:
            if isinstance(step, int):
                writer.feed("stdout", numbered(count, count + step))
                count += step
            else:
                writer.status(f"note-{told}")
                told += 1
            on_disk = sum(entry.stat().st_size for entry in Path(folder).iterdir())
            # Rescued status records may stand in both segments.
            assert on_disk <= cap + 2 * (RECORD + STATUS_RECORD * (told + 2))
            check_head_gap_tail(records_at(path), count, every)
        writer.finish("finished", exit_code=0)
        writer.close()
        records = records_at(path)
        assert folder_content(path) == {"output.jsonl"}
        assert path.stat().st_size <= cap + 2 * RECORD + STATUS_RECORD * (told + 3)
        assert writer.bytes == path.stat().st_size
    check_head_gap_tail(records, count, every)
    assert writer.lines == count
    assert [name for name in statuses(records) if name != "truncated"] == [
        "started",
        *(f"note-{number}" for number in range(told)),
        "finished",
    ]
    assert records[-1].status == "finished"


def test_a_log_below_its_cap_has_no_segments(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=100_000)
    writer.feed("stdout", numbered(0, 100))
    assert folder_content(path) == {"log"}
    writer.close()
    assert texts(records_at(path)) == [str(number) for number in range(100)]


def test_what_just_fits_into_head_and_segments_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=40_000)
    writer.feed("stdout", numbered(0, 300))
    assert folder_content(path) == {"log", "log.ring0"}
    writer.finish("finished")
    writer.close()
    assert statuses(records_at(path)) == ["finished"]
    assert texts(records_at(path)) == [str(number) for number in range(300)]


def test_closing_without_a_last_status_loses_nothing_either(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=20_000)
    writer.feed("stdout", numbered(0, 2_000) + b"last")
    writer.close()
    assert folder_content(path) == {"log"}
    records = records_at(path)
    assert records[-1].text == "last"
    check_head_gap_tail(records[:-1], 2_000)


def test_segments_are_private(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=5_000)
    writer.feed("stdout", numbered(0, 500))
    modes = {os.stat(segment_path(str(path), slot)).st_mode & 0o777 for slot in (0, 1)}
    writer.close()
    assert modes == {0o600}


def test_a_long_line_past_the_cap_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=400_000)
    size = 30 * 64 * 1024
    for start in range(0, size, 100_000):
        writer.feed("stdout", b"x" * min(100_000, size - start))
    writer.feed("stdout", b"\n" + numbered(0, 10_000))
    writer.finish("finished")
    writer.close()
    records = records_at(path)
    missing = next(record.fields for record in records if record.status == "truncated")
    kept = [record for record in records if record.kind == "stdout"]
    assert missing["lines"] == 10_001 - sum(not record.more for record in kept)
    whole = size + 1 + len(numbered(0, 10_000))
    assert missing["bytes"] == whole - sum(len(record.raw) + record.newline for record in kept)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage\n", b'{"ring":[1]}\n', b'{"ring":[1,2,3,4,5,x]}\n', b'{"ring":[1,2,3,4,5,6'],
)
def test_a_segment_that_cannot_be_understood_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    Path(segment_path(str(path), 0)).write_bytes(content)
    assert open_segment(str(path), 0) is None
    assert open_segments(str(path)) == []


def killed_in_the_ring(path: Path, lines: int) -> None:
    """A log whose writer died past the cap, a status record having been overwritten."""
    writer = writer_at(path, max_size=20_000)
    writer.status("started")
    writer.feed("stdout", numbered(0, 300))
    writer.status("cancelling", "asked to stop")
    writer.feed("stdout", numbered(300, lines))
    for descriptor in (writer._fd, writer._ring._fd if writer._ring else -1):
        os.close(descriptor)


@pytest.mark.parametrize("lines", [301, 310, 400, 500, 1_000, 5_000])
def test_a_killed_writers_log_reads_whole_and_is_put_together_by_the_next(
    tmp_path: Path, lines: int
) -> None:
    path = tmp_path / "log"
    killed_in_the_ring(path, lines)
    before = records_at(path)
    check_head_gap_tail(before, lines)
    assert set(statuses(before)) >= {"started", "cancelling"}
    writer = writer_at(path, max_size=20_000)
    assert folder_content(path) == {"log"}
    writer.finish("crashed", reason="supervisor died")
    writer.close()
    after = records_at(path)
    assert [r._replace(ts="") for r in after[:-1]] == [r._replace(ts="") for r in before]
    assert after[-1].status == "crashed"


@settings(max_examples=60)
@given(lines=st.sampled_from([350, 500, 3_000]), done=st.floats(0, 1))
def test_a_kill_while_the_end_is_appended_neither_loses_nor_doubles(
    lines: int, done: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        killed_in_the_ring(path, lines)
        expected = [record._replace(ts="") for record in records_at(path)]
        head = path.stat().st_size
        segments = [Path(segment_path(str(path), slot)) for slot in (0, 1)]
        saved = {segment: segment.read_bytes() for segment in segments if segment.exists()}
        writer_at(path).close()
        whole = path.read_bytes()
        path.write_bytes(whole[: head + int(done * (len(whole) - head))])
        for segment, content in saved.items():
            segment.write_bytes(content)
        assert [record._replace(ts="") for record in records_at(path)] == expected
        writer = writer_at(path)
        writer.finish("crashed")
        writer.close()
        after = [record._replace(ts="") for record in records_at(path)]
        assert seqs_in(path) == [record.seq for record in after]
    assert after[:-1] == expected
    assert after[-1].status == "crashed"


def test_a_continued_log_can_outgrow_its_cap_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    killed_in_the_ring(path, 2_000)
    writer = writer_at(path, max_size=20_000)
    writer.feed("stdout", numbered(2_000, 4_000))
    writer.finish("finished")
    writer.close()
    records = records_at(path)
    missing = sum(int(str(r.fields["lines"])) for r in records if r.status == "truncated")
    assert len(texts(records)) + missing == 4_000
    assert texts(records)[-1] == "3999"


def test_a_disk_that_is_full_at_the_end_keeps_the_tail_in_its_segments(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=40_000)
    writer.status("started")
    writer.feed("stdout", numbered(0, 3_000))
    with file_size_limit(25_000):
        writer.finish("finished", exit_code=0)
    assert writer.failed
    records = records_at(path)
    assert statuses(records) == ["started", "truncated", "finished"]
    check_head_gap_tail(records, 3_000)
    writer.close()
    assert folder_content(path) == {"log"}
    assert [r._replace(ts="") for r in records_at(path)] == [r._replace(ts="") for r in records]
    assert seqs_in(path) == [record.seq for record in records]


def test_the_gap_takes_no_seq_of_a_rescued_status(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=0)
    writer.feed("stdout", b"0\n")
    writer.status("cancelling")
    writer.feed("stdout", b"1\n2\n")
    expected = [(1, "truncated"), (2, "cancelling"), (3, ""), (4, "")]
    assert [(record.seq, record.status) for record in records_at(path)] == expected
    writer.close()
    assert [(record.seq, record.status) for record in records_at(path)] == expected


def test_a_segment_holds_no_more_than_a_quarter_of_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=40_000)
    for start in range(0, 3_000, 7):
        writer.feed("stdout", numbered(start, start + 7))
        for segment in open_segments(str(path)):
            assert os.fstat(segment.fd).st_size - segment.offset <= 10_000
            segment.close()
    writer.close()


def test_of_segments_that_are_no_neighbours_the_older_is_no_longer_part_of_the_log(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=4_000)
    writer.feed("stdout", numbered(0, 35))
    older = Path(segment_path(str(path), 0)).read_bytes()
    writer.feed("stdout", numbered(35, 100))
    newer = open_segments(str(path))
    assert newer[1].place[1] > 3
    Path(segment_path(str(path), 1 - newer[1].place[1] % 2)).write_bytes(older)
    check_head_gap_tail(tail(str(path), 1_000), 100)
    for segment in newer:
        segment.close()
    writer.close()
