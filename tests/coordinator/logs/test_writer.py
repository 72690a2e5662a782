"""The one writer: exact lines whatever the reads, sampling, long lines, repair, a full disk."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bough.coordinator.logs.reader import parse_record, read_records
from bough.coordinator.logs.records import PIECE_LIMIT
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.secrets import mask_text
from tests.coordinator.logs.support import (
    OUTPUT,
    file_size_limit,
    numbered,
    records_at,
    statuses,
    stream_of,
    texts,
    writer_at,
)

SECRET = b"hunter2-hunter2"

fragments = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b"\n", b"\n\n", b"line\n", "größe ✓\n".encode(), b"\xff\xfe\n", b"a\rb\r\n", b"\0"]
    ),
    st.sampled_from([SECRET, SECRET[:7], SECRET[7:], b"hunter2-"]),
)
feeds = st.lists(st.tuples(st.sampled_from(OUTPUT), fragments), max_size=25)


def log_in(folder: str) -> Path:
    return Path(folder) / "output.jsonl"


@given(fed=feeds)
def test_both_streams_come_back_exactly_but_for_secrets(fed: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = log_in(folder)
        writer = LogWriter(str(path), max_size=None, sample_every=1, secrets=[SECRET])
        writer.status("started")
        for kind, chunk in fed:
            writer.feed(kind, chunk)
        writer.finish("finished", exit_code=0)
        writer.close()
        records = records_at(path)
    for kind in OUTPUT:
        whole = b"".join(chunk for fed_kind, chunk in fed if fed_kind == kind)
        assert stream_of(records, kind) == mask_text(
            whole.decode("latin-1"), [SECRET.decode("latin-1")]
        ).encode("latin-1")
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert (records[0].status, records[-1].status) == ("started", "finished")
    assert writer.lines == len(records) - 2


lines = st.lists(
    st.one_of(
        st.binary(max_size=5).map(lambda raw: raw.replace(b"\n", b"")),
        st.integers(PIECE_LIMIT - 2, PIECE_LIMIT + 2).map(lambda size: b"x" * size),
        st.integers(PIECE_LIMIT - 5, PIECE_LIMIT + 2).map(lambda size: b"x" * size + "é✓".encode()),
        st.just(b"\x80" * (2 * PIECE_LIMIT + 1)),
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(
    content=st.tuples(lines, st.sampled_from([b"", b"\n"])).map(
        lambda made: b"\n".join(made[0]) + made[1]
    ),
    cuts=st.lists(st.integers(0, 3 * PIECE_LIMIT), max_size=6),
)
def test_the_records_do_not_depend_on_how_reads_cut_the_stream(
    content: bytes, cuts: list[int]
) -> None:
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    chunks = [content[start:stop] for start, stop in pairwise(edges)]
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, parts in (("whole", [content]), ("cut", chunks)):
            path = Path(folder) / name
            writer = writer_at(path)
            for part in parts:
                writer.feed("stdout", part)
            writer.close()
            found.append([record._replace(ts="") for record in records_at(path)])
    assert found[0] == found[1]
    assert stream_of(found[0], "stdout") == content
    assert all(len(record.raw) <= PIECE_LIMIT for record in found[0])


@given(
    count=st.integers(0, 60), every=st.integers(1, 9), size=st.integers(1, 50), long=st.booleans()
)
def test_sampling_keeps_every_nth_line_and_leaves_gaps_in_seq(
    count: int, every: int, size: int, long: bool
) -> None:
    content = (b"0" * (PIECE_LIMIT + 3) if long else b"") + numbered(0, count)
    with tempfile.TemporaryDirectory() as folder:
        path = log_in(folder)
        writer = writer_at(path, sample_every=every)
        for start in range(0, len(content), PIECE_LIMIT if long else size):
            writer.feed("stdout", content[start : start + (PIECE_LIMIT if long else size)])
        writer.finish("finished")
        writer.close()
        records = records_at(path)
    source = content.split(b"\n")[:-1] if count else [content] if content else []
    kept = source[every - 1 :: every]
    assert writer.lines == len(source)
    got = stream_of(records, "stdout")
    assert got == b"".join(line + (b"\n" if count else b"") for line in kept)
    assert statuses(records) == ["finished"]
    if not long:
        assert [r.seq for r in records] == [*range(every, len(source) + 1, every), len(source) + 1]


def test_sampling_counts_over_both_streams(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log", sample_every=2)
    for number in range(3):
        writer.feed("stdout", b"out %d\n" % number)
        writer.feed("stderr", b"err %d\n" % number)
    writer.close()
    assert [record.text for record in records_at(tmp_path / "log")] == ["err 0", "err 1", "err 2"]


def test_a_line_in_pieces_is_kept_or_left_out_as_a_whole(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log", sample_every=2)
    writer.feed("stdout", b"a" * (PIECE_LIMIT + 1))
    writer.feed("stderr", b"kept\n")
    writer.feed("stdout", b"a" * PIECE_LIMIT + b"\n")
    writer.feed("stdout", b"dropped\n" + b"b" * (2 * PIECE_LIMIT) + b"\n")
    writer.close()
    records = records_at(tmp_path / "log")
    assert stream_of(records, "stderr") == b"kept\n"
    assert stream_of(records, "stdout") == b"b" * (2 * PIECE_LIMIT) + b"\n"
    assert [record.more for record in records] == [False, True, False]


@pytest.mark.parametrize("byte", [b"x", b"\xff", b"\x01"])
def test_an_endless_line_does_not_accumulate(tmp_path: Path, byte: bytes) -> None:
    writer = LogWriter(
        str(tmp_path / "log"), max_size=1_000_000, sample_every=1, secrets=[byte * 40 + b"!"]
    )
    chunk = byte * 2**18
    writer.feed("stdout", chunk)
    tracemalloc.start()
    for _ in range(64):
        writer.feed("stdout", chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.finish("finished")
    writer.close()
    assert peak < 24 * len(chunk)
    assert writer.lines == 1


def test_a_character_is_not_cut_where_a_long_line_is(tmp_path: Path) -> None:
    line = "é✓😀" * 30_000
    writer = writer_at(tmp_path / "log")
    writer.feed("stdout", line.encode() + b"\n")
    writer.close()
    records = records_at(tmp_path / "log")
    assert len(records) > 1
    assert all(isinstance(record.data, str) for record in records)
    assert "".join(texts(records)) == line


def test_the_sink_gets_every_masked_line_before_sampling_and_cap(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    writer = LogWriter(
        str(tmp_path / "log"),
        max_size=0,
        sample_every=3,
        secrets=[SECRET],
        sink=lambda kind, piece: heard.append((kind, piece)),
    )
    writer.status("started")
    writer.feed("stdout", b"one\ntwo " + SECRET[:4])
    assert heard == [("stdout", b"one\n")]
    writer.feed("stderr", b"bad \xff\n")
    writer.feed("stdout", SECRET[4:] + b"\n" + b"x" * (PIECE_LIMIT + 1) + b"\nno newline")
    writer.finish("finished")
    writer.close()
    assert heard[1:] == [
        ("stderr", b"bad \xff\n"),
        ("stdout", b"two ***\n"),
        ("stdout", b"x" * PIECE_LIMIT),
        ("stdout", b"x\n"),
        ("stdout", b"no newline"),
    ]


def test_a_status_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    writer.status("started", "build in /w", job="build", argv=["make", "-j2"])
    line = (tmp_path / "log").read_bytes()
    writer.close()
    record = json.loads(line)
    assert (record["seq"], record["status"], record["data"]) == (1, "started", "build in /w")
    assert (record["job"], record["argv"]) == ("build", ["make", "-j2"])


def test_status_texts_are_masked(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / "log"), max_size=None, sample_every=1, secrets=[SECRET])
    writer.status("started", "run hunter2-hunter2", argv=["x", "--key=hunter2-hunter2"])
    writer.close()
    assert b"hunter2" not in (tmp_path / "log").read_bytes()
    assert records_at(tmp_path / "log")[0].fields == {"argv": ["x", "--key=***"]}


def test_an_interrupted_partial_line_is_written_without_its_newline(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    writer.feed("stderr", b"prompt> ")
    assert records_at(tmp_path / "log") == []
    writer.end_stream("stderr")
    writer.end_stream("stderr")
    writer.feed("stderr", b"more\n")
    writer.close()
    found = records_at(tmp_path / "log")
    assert [(r.text, r.nonl) for r in found] == [("prompt> ", True), ("more", False)]


def test_the_size_and_the_lines_are_known(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "log")
    writer.status("started")
    writer.feed("stdout", b"a\nb\nc")
    assert writer.lines == 2
    writer.finish("finished")
    assert writer.lines == 3
    assert writer.bytes == os.path.getsize(tmp_path / "log")
    writer.close()
    writer.close()
    assert not writer.failed


def test_the_file_is_private_and_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer_at(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        writer_at(tmp_path / "link")


@pytest.mark.parametrize("every", [0, -1])
def test_a_sampling_of_less_than_one_is_refused(tmp_path: Path, every: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        writer_at(tmp_path / "log", sample_every=every)


@given(cut=st.integers(0, 600))
def test_a_log_torn_anywhere_is_readable_and_continued(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = log_in(folder)
        writer = writer_at(path)
        writer.status("started")
        writer.feed("stdout", b"one\nt\xffo\nthree\nfour\n")
        writer.close()
        before = records_at(path)
        content = path.read_bytes()
        path.write_bytes(content[:cut])
        readable = records_at(path)
        assert readable == before[: content[:cut].count(b"\n")]
        repairer = writer_at(path)
        repairer.feed("stdout", b"again\n")
        repairer.finish("crashed", reason="supervisor died")
        repairer.close()
        after = records_at(path)
    # A record that lacked only its newline is whole again.
    torn_but_whole = [r for r in [parse_record(content[:cut].split(b"\n")[-1])] if r is not None]
    assert after[:-2] == readable + torn_but_whole
    assert [after[-2].text, after[-1].status] == ["again", "crashed"]


def test_garbage_in_a_log_does_not_stop_seq(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path)
    writer.feed("stdout", b"one\ntwo\n")
    writer.close()
    with path.open("ab") as file:
        file.write(b"\0" * 300_000 + b"\n{}\n\xff\n")
    writer = writer_at(path)
    writer.feed("stdout", b"three\n")
    writer.close()
    assert [(record.seq, record.text) for record in records_at(path)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]


def test_a_full_disk_fails_the_log_and_not_the_job(tmp_path: Path) -> None:
    heard: list[bytes] = []
    path = tmp_path / "log"
    writer = LogWriter(
        str(path), max_size=None, sample_every=1, sink=lambda _kind, piece: heard.append(piece)
    )
    writer.status("started")
    with file_size_limit(5_000):
        writer.feed("stdout", numbered(0, 200))
        assert writer.failed
        assert writer.error == "File too large"
        assert writer.bytes == path.stat().st_size
        fitted = texts(records_at(path))
        assert 0 < len(fitted) < 200
        writer.feed("stdout", numbered(200, 210))
        writer.status("cancelling")
    assert b"".join(heard) == numbered(0, 210)
    writer.finish("cancelled")
    writer.close()
    assert writer.lines == 210
    records = records_at(path)
    assert texts(records) == fitted == [str(number) for number in range(len(fitted))]
    assert statuses(records) == ["started", "truncated", "cancelled"]
    assert records[-2].fields == {"error": "File too large"}


def test_a_disk_that_stays_full_raises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = writer_at(path)
    with file_size_limit(300):
        writer.feed("stdout", numbered(0, 100))
        writer.finish("finished", exit_code=0)
        writer.close()
    assert writer.failed
    assert path.read_bytes().endswith(b"}\n")
    assert list(read_records(str(path)))
