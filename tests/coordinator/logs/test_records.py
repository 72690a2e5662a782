"""The format: one line a record, exact bytes, and garbage that is recognised as such."""

from __future__ import annotations

import json
import math
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.logs import records
from bough.coordinator.logs.reader import parse_record
from bough.coordinator.logs.records import (
    decode_record,
    encode_lines,
    encode_record,
    encode_status,
    row_status,
    seq_of,
)
from bough.coordinator.model import Status

TS = "2026-01-02T03:04:05.678901Z"

pieces = st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda t: t.encode()))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
field_names = st.text(min_size=1).filter(lambda name: name not in records.RESERVED)


def test_a_record_reads_as_documented() -> None:
    assert encode_record(1, TS, "stdout", b"hello") == (
        '{"seq":1,"ts":"2026-01-02T03:04:05.678901Z","kind":"stdout","data":"hello"}\n'
    )


def test_undecodable_bytes_stand_in_b64() -> None:
    assert encode_record(2, TS, "stderr", b"\xff\x00") == (
        '{"seq":2,"ts":"2026-01-02T03:04:05.678901Z","kind":"stderr","b64":"/wA="}\n'
    )


@given(raw=pieces, more=st.booleans(), nonl=st.booleans())
def test_the_exact_bytes_and_marks_come_back(raw: bytes, more: bool, nonl: bool) -> None:
    line = encode_record(7, TS, "stdout", raw, more=more, nonl=nonl).encode("ascii")
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    record = parse_record(line)
    assert record is not None
    assert (record.seq, record.ts, record.kind, record.raw) == (7, TS, "stdout", raw)
    assert (record.more, record.nonl, record.status) == (more, nonl, "")


@given(lines=st.lists(pieces.map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=8))
def test_many_lines_at_once_are_encoded_like_one_by_one(lines: list[bytes]) -> None:
    one_by_one = [encode_record(5 + 2 * n, TS, "stderr", raw) for n, raw in enumerate(lines)]
    assert encode_lines(range(5, 5 + 2 * len(lines), 2), TS, "stderr", lines) == one_by_one


@given(data=st.text(), fields=st.dictionaries(field_names, json_values, max_size=4))
def test_a_status_record_carries_text_and_fields(data: str, fields: dict[str, object]) -> None:
    line = encode_status(3, TS, "started", data, fields)
    assert json.loads(line) == {
        "seq": 3,
        "ts": TS,
        "kind": "status",
        "data": data,
        "status": "started",
        **fields,
    }
    record = parse_record(line.encode("ascii"))
    assert record is not None
    assert (record.status, record.fields) == ("started", fields)


def test_enumerations_tuples_and_undecodable_names_are_status_fields() -> None:
    class Colour(StrEnum):
        RED = "red"

    class Code(IntEnum):
        BAD = 3

    fields = {"colour": Colour.RED, "code": Code.BAD, "argv": ("a", "\udcff")}
    loaded = json.loads(encode_status(1, TS, "started", "\udcff", fields))
    assert loaded["colour"] == "red"
    assert loaded["code"] == 3
    assert loaded["argv"] == ["a", "\udcff"]


def test_texts_of_a_status_record_are_masked_and_its_status_is_not() -> None:
    fields = {"argv": ["run", "secret"], "env": {"A": "secret"}, "n": 1}
    line = encode_status(1, TS, "secret", "a secret", fields, lambda t: t.replace("secret", "*"))
    loaded = json.loads(line)
    assert (loaded["data"], loaded["status"]) == ("a *", "secret")
    assert (loaded["argv"], loaded["env"], loaded["n"]) == (["run", "*"], {"A": "*"}, 1)


@pytest.mark.parametrize("name", sorted(records.RESERVED))
def test_a_field_cannot_take_a_name_of_the_format(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        encode_status(1, TS, "started", "", {name: 1})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        encode_status(1, TS, "started", "", {"x": value})


def test_a_value_that_json_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        encode_status(1, TS, "started", "", {"x": b"raw"})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage",
        b"{}",
        b"[1]",
        b"null",
        b'{"seq":1,"ts":"t","kind":"stdout","data":"torn',
        b'{"seq":1,"ts":"t","kind":"stdout","data":"a"}{"seq":2}',
        b'{"seq":"1","ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":true,"ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":0,"ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":-4,"ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":99999999999999999999,"ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":1.5,"ts":"t","kind":"stdout","data":"a"}',
        b'{"seq":1,"ts":"t","data":"a"}',
        b'{"seq":1,"kind":"stdout","data":"a"}',
        b'{"seq":1,"ts":"t","kind":"stdout","data":5}',
        b'{"seq":1,"ts":"t","kind":"stdout","b64":"%%%"}',
        b'{"seq":1,"ts":"t","kind":"stdout","b64":"\xc3\xa9"}',
        b'{"seq":1,"ts":"t","kind":"status","data":"no status"}',
        b'{"seq":1,"ts":"t","kind":"stdout","data":"\xff"}',
        b"\x00" * 100,
        b"[" * 100_000,
    ],
)
def test_garbage_is_no_record(line: bytes) -> None:
    assert decode_record(line) is None
    assert parse_record(line) is None


def test_every_cut_of_a_record_is_garbage() -> None:
    line = encode_record(12, TS, "stdout", b"some \xff data").encode("ascii").rstrip(b"\n")
    assert all(decode_record(line[:cut]) is None for cut in range(len(line)))
    assert decode_record(line) is not None


def test_unknown_kinds_and_fields_pass_through() -> None:
    record = parse_record(b'{"seq":4,"ts":"t","kind":"metric","value":[1],"status":"x"}')
    assert record is not None
    assert (record.kind, record.status, record.raw) == ("metric", "", b"")
    assert record.fields == {"value": [1]}


def test_a_lone_surrogate_in_a_foreign_record_has_bytes_all_the_same() -> None:
    record = parse_record(rb'{"seq":4,"ts":"t","kind":"stdout","data":"\ud800"}')
    assert record is not None
    assert record.raw == b"\xed\xa0\x80"
    assert record.text == "\ufffd\ufffd\ufffd"


@pytest.mark.parametrize(
    ("line", "seq"),
    [
        (b'{"seq":17,"ts":', 17),
        (b'{"seq":17', None),
        (b'{"seq":,', None),
        (b'{"seq":1x,', None),
        (b'{"seq":123456789012345678901,', None),
        (b'{ "seq":1,', None),
        (b"", None),
    ],
)
def test_seq_of_reads_the_beginning_of_a_line(line: bytes, seq: int | None) -> None:
    assert seq_of(line) == seq


@pytest.mark.parametrize(
    ("status", "exit_code", "expected"),
    [
        ("finished", 0, Status.SUCCEEDED),
        ("finished", 1, Status.FAILED),
        ("signaled", None, Status.FAILED),
        ("timed_out", None, Status.TIMED_OUT),
        ("timed_out", 0, Status.TIMED_OUT),
        ("cancelled", 0, Status.CANCELLED),
        ("crashed", None, Status.CRASHED),
    ],
)
def test_the_last_status_of_a_log_says_the_status_of_the_row(
    status: str, exit_code: int | None, expected: Status
) -> None:
    assert row_status(status, exit_code) == expected


def test_every_row_status_in_the_table_is_terminal() -> None:
    named = {name for pair in records.ROW_STATUS.values() for name in pair}
    assert named == {status.value for status in Status if status.terminal} - {"skipped"}
