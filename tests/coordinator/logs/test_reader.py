"""Readers: all, the end, and what is new, while the log is written, torn, capped or folded."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bough
from bough.coordinator.logs import blocks, reader, ring
from bough.coordinator.logs.reader import Follower, Record, read_records, tail
from bough.coordinator.logs.writer import LogWriter
from tests.coordinator.logs.support import numbered, records_at, texts, writer_at
from tests.support.waiting import wait_until


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A finished log: started, ten lines of each stream in turn, finished."""
    writer = writer_at(tmp_path / "log")
    writer.status("started")
    for number in range(10):
        writer.feed("stdout", b"out %d\n" % number)
        writer.feed("stderr", b"err %d\n" % number)
    writer.finish("finished", exit_code=0)
    writer.close()
    return tmp_path / "log"


def test_all_records_in_order(log: Path) -> None:
    records = list(read_records(str(log)))
    assert [record.seq for record in records] == list(range(1, 23))
    assert records[-1].fields == {"exit_code": 0}
    assert records[-1].terminal
    assert not records[0].terminal


def test_kinds_and_since_seq_choose(log: Path) -> None:
    chosen = read_records(str(log), kinds={"stderr", "status"}, since_seq=17)
    assert [(r.seq, r.kind) for r in chosen] == [
        (19, "stderr"),
        (21, "stderr"),
        (22, "status"),
    ]
    assert list(read_records(str(log), since_seq=22)) == []


@pytest.mark.parametrize("n", [-1, 0, 1, 2, 21, 22, 1000])
def test_the_tail_is_the_end_of_all(log: Path, n: int) -> None:
    whole = list(read_records(str(log)))
    assert tail(str(log), n) == (whole[-n:] if n > 0 else [])


def test_the_tail_of_some_kinds_is_counted_in_them(log: Path) -> None:
    assert [record.text for record in tail(str(log), 2, {"stderr"})] == ["err 8", "err 9"]


def test_a_log_that_does_not_exist_is_empty_and_not_created(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert list(read_records(str(path))) == []
    assert tail(str(path), 5) == []
    with Follower(str(path)) as follower:
        assert follower.read_new() == []
    assert list(tmp_path.iterdir()) == []


def test_malformed_lines_are_skipped_everywhere(log: Path) -> None:
    whole = list(read_records(str(log)))
    lines = log.read_bytes().split(b"\n")
    damaged = b"\nnoise\n\n{}\n\xff\n".join(lines) + b'{"seq":23,"ts":"torn'
    log.write_bytes(damaged)
    assert list(read_records(str(log))) == whole
    assert tail(str(log), 5) == whole[-5:]


def test_a_follower_waits_for_a_torn_line_to_become_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with Follower(str(path)) as follower:
        assert follower.read_new() == []
        with path.open("ab", buffering=0) as file:
            file.write(b'{"seq":1,"ts":"t","kind":"stdout","data":"a"}\n{"seq":2,"ts":"t",')
            assert texts(follower.read_new()) == ["a"]
            assert follower.read_new() == []
            file.write(b'"kind":"stdout","data":"b"}')
            assert follower.read_new() == []
            file.write(b"\n")
            assert texts(follower.read_new()) == ["b"]


def test_a_follower_knows_the_end(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    with Follower(str(tmp_path / "log")) as follower:
        writer.status("started")
        writer.feed("stdout", b'"kind":"status","status":"finished"\n')
        assert (len(follower.read_new()), follower.ended) == (2, False)
        writer.finish("timed_out")
        assert [record.status for record in follower.read_new()] == ["timed_out"]
        assert follower.ended is True
    writer.close()


def test_a_follower_from_past_the_end_still_knows_it(log: Path) -> None:
    with Follower(str(log), since_seq=500) as follower:
        assert follower.read_new() == []
        assert follower.ended


def test_a_follower_of_a_large_log_takes_it_in_parts(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    writer.feed("stdout", numbered(0, 20_000))
    writer.close()
    with Follower(str(tmp_path / "log")) as follower:
        parts = list(iter(follower.read_new, []))
    assert len(parts) > 1
    assert texts(record for part in parts for record in part) == [str(n) for n in range(20_000)]


def missing_lines(record: Record) -> int:
    return int(str(record.fields["lines"])) if record.status == "truncated" else 0


def check_gaps(records: Iterable[Record], *, exactly: bool) -> int:
    """Numbers come in order; a gap is where and as large as told. The count told of."""
    expected = told = 0
    for record in records:
        told += missing_lines(record)
        if record.kind == "stdout":
            number = int(record.text)
            gap = number - expected
            assert gap == told if exactly else 0 <= gap <= told
            expected, told = number + 1, 0
    return expected + told if exactly else expected


actions = st.lists(
    st.one_of(st.integers(1, 60), st.sampled_from(["read", "read", "read all", "status"])),
    max_size=20,
)


@settings(max_examples=60)
@example(actions=[1, 1, 1, "read", 3, "read", "read", "status", 1, 1], cap=144)
@given(actions=actions, cap=st.integers(0, 9_000))
def test_a_follower_past_the_cap_misses_only_what_it_is_told(
    actions: list[int | str], cap: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "log")
        writer = LogWriter(path, max_size=cap, sample_every=1)
        count = 0
        notes: list[str] = []
        with Follower(path) as follower:
            got: list[Record] = []
            for action in actions:
                if isinstance(action, int):
                    writer.feed("stdout", numbered(count, count + action))
                    count += action
                elif action == "status":
                    notes.append(f"note-{len(notes)}")
                    writer.status(notes[-1])
                else:
                    got += follower.read_new() if action == "read" else everything(follower)
            got += everything(follower)
            assert check_gaps(got, exactly=True) == count
            writer.finish("finished")
            got += everything(follower)
            assert follower.ended
        writer.close()
    seqs = [record.seq for record in got]
    assert seqs == sorted(set(seqs))
    told = [r.status for r in got if r.kind == "status" and r.status != "truncated"]
    assert told == [*notes, "finished"]


def everything(follower: Follower) -> list[Record]:
    return [record for batch in iter(follower.read_new, []) for record in batch]


@settings(max_examples=80)
@given(
    pending=st.lists(st.integers(0, 30), max_size=40),
    cap=st.integers(0, 4_000),
    finish=st.booleans(),
)
def test_whatever_is_written_between_two_looks_of_a_follower_comes_in_order(
    pending: list[int], cap: int, finish: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "log")
        writer = LogWriter(path, max_size=cap, sample_every=1)
        count = 0

        def write() -> None:
            nonlocal count
            if pending:
                more = pending.pop()
                writer.feed("stdout", numbered(count, count + more))
                count += more
                if finish and not pending:
                    writer.finish("finished")

        with Follower(path) as follower, writing_between_looks(write):
            got = everything(follower)
            while pending:
                write()
                got += everything(follower)
            got += everything(follower)
        writer.close()
    assert check_gaps(got, exactly=not finish) == count
    seqs = [record.seq for record in got]
    assert seqs == sorted(set(seqs))


def test_a_writer_that_goes_round_between_two_looks_is_not_misread(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log", max_size=4_000)
    pending = [numbered(start, start + 40) for start in range(40, 200, 40)]

    def segment_path(path: str, slot: int) -> str:
        if slot == 1 and pending:
            writer.feed("stdout", pending.pop(0))
        return ring.segment_path(path, slot)

    with Follower(str(tmp_path / "log")) as follower:
        writer.feed("stdout", numbered(0, 40))
        with patch.object(reader, "segment_path", segment_path):
            got = everything(follower)
        writer.feed("stdout", numbered(200, 400))
        got += everything(follower)
    writer.close()
    assert check_gaps(got, exactly=True) == 400


@contextmanager
def writing_between_looks(write: Callable[[], None]) -> Iterator[None]:
    """Let the writer act between any two looks of a follower at a file."""

    def segment_path(path: str, slot: int) -> str:
        write()
        return ring.segment_path(path, slot)

    def whole_lines(fd: int, offset: int) -> bytes:
        block = blocks.whole_lines(fd, offset)
        write()
        return block

    def open_segment(path: str, slot: int) -> ring.Segment | None:
        segment = ring.open_segment(path, slot)
        write()
        return segment

    with (
        patch.object(reader, "whole_lines", whole_lines),
        patch.object(reader, "open_segment", open_segment),
        patch.object(reader, "segment_path", segment_path),
    ):
        yield


@settings(max_examples=60)
@given(counts=st.lists(st.integers(0, 150), min_size=2, max_size=4), cap=st.integers(0, 9_000))
def test_a_follower_that_missed_the_end_is_told_by_the_log(counts: list[int], cap: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "log")
        writer = LogWriter(path, max_size=cap, sample_every=1)
        count = 0
        got: list[Record] = []
        with Follower(path) as follower:
            for more in counts:
                got += follower.read_new()
                writer.feed("stdout", numbered(count, count + more))
                count += more
            writer.finish("finished")
            writer.close()
            got += everything(follower)
            assert follower.ended
        assert check_gaps(got, exactly=False) == count
        seqs = [record.seq for record in got]
        assert seqs == sorted(set(seqs))


def test_a_follower_goes_on_when_another_writer_continues_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=8_000)
    writer.feed("stdout", numbered(0, 500))
    with Follower(str(path)) as follower:
        got = everything(follower)
        for descriptor in (writer._fd, writer._ring._fd if writer._ring else -1):
            os.close(descriptor)
        successor = writer_at(path, max_size=8_000)
        for start in range(500, 3_000, 10):
            successor.feed("stdout", numbered(start, start + 10))
            got += everything(follower)
        successor.finish("finished")
        successor.close()
        got += everything(follower)
    assert check_gaps(got, exactly=False) == 3_000
    assert [number for number in map(int, texts(got)) if number >= 500] == list(range(500, 3_000))


def test_a_follower_counts_anew_in_another_writers_ring(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=8_000)
    writer.feed("stdout", numbered(0, 500))
    with Follower(str(path)) as follower:
        everything(follower)
        for descriptor in (writer._fd, writer._ring._fd if writer._ring else -1):
            os.close(descriptor)
        successor = writer_at(path, max_size=8_000)
        successor.feed("stdout", numbered(500, 3_000))
        missing, first, *_ = everything(follower)
        successor.close()
    assert missing.fields["lines"] == int(first.text) - 500


@pytest.mark.parametrize("n", [1, 5, 100, 250, 10_000])
def test_the_tail_of_a_running_capped_job_is_the_end_of_all(tmp_path: Path, n: int) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=20_000)
    writer.status("started")
    writer.feed("stdout", numbered(0, 300))
    writer.status("cancelling")
    writer.feed("stdout", numbered(300, 3_000))
    whole = [record._replace(ts="") for record in records_at(path)]
    assert [record._replace(ts="") for record in tail(str(path), n)] == whole[-n:]
    writer.finish("finished")
    writer.close()
    assert [record._replace(ts="") for record in tail(str(path), n)] == [
        record._replace(ts="") for record in records_at(path)
    ][-n:]


FIREHOSE = """
import sys
sys.path.insert(0, sys.argv[1])
from bough.coordinator.logs.writer import LogWriter
writer = LogWriter(sys.argv[2], max_size=int(sys.argv[3]), sample_every=1)
for start in range(0, 50_000, 500):
    writer.feed("stdout", b"".join(b"%d\\n" % n for n in range(start, start + 500)))
writer.finish("finished")
writer.close()
"""


@pytest.mark.parametrize("cap", [10_000, 100_000, 2_000_000])
def test_following_a_writer_at_full_speed(tmp_path: Path, cap: int) -> None:
    path = str(tmp_path / "log")
    root = os.path.dirname(os.path.dirname(bough.__file__))
    command = [sys.executable, "-I", "-S", "-c", FIREHOSE, root, path, str(cap)]
    got: list[Record] = []

    def followed() -> bool:
        while batch := follower.read_new():
            got.extend(batch)
        return follower.ended

    with Follower(path) as follower, subprocess.Popen(command) as process:
        wait_until(followed, timeout=60, what="the last record")
        assert process.wait(timeout=60) == 0
    seqs = [record.seq for record in got]
    assert seqs == sorted(set(seqs))
    assert check_gaps(got, exactly=False) == 50_000
    assert sorted(os.listdir(tmp_path)) == ["log"]


def test_reading_a_growing_log_ends(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    writer.feed("stdout", numbered(0, 10_000))
    count = 0
    for record in read_records(str(tmp_path / "log")):
        assert int(record.text) < 10_000
        writer.feed("stdout", b"99999\n")
        count += 1
    writer.close()
    assert count == 10_000


def test_readers_leave_no_descriptor_open(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path, max_size=8_000)
    before = os.listdir("/dev/fd")
    for start in range(0, 2_000, 100):
        with Follower(str(path)) as follower:
            writer.feed("stdout", numbered(start, start + 50))
            follower.read_new()
            writer.feed("stdout", numbered(start + 50, start + 100))
            follower.read_new()
            follower.close()
        assert len(list(read_records(str(path)))) >= 1
        assert len(tail(str(path), 3)) == 3
    assert len(os.listdir("/dev/fd")) - len(before) == 1  # the writer's segment
    writer.close()
