"""Durations and sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.durations import parse_duration_ms, parse_size


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        (0, 0),
        ("0", 0),
        ("0s", 0),
        (10, 10_000),
        (1.5, 1_500),
        ("10", 10_000),
        ("250ms", 250),
        ("5s", 5_000),
        ("1h30m", 5_400_000),
        ("1m30s500ms", 90_500),
        ("1.5h", 5_400_000),
        ("7d", 604_800_000),
        ("2w", 1_209_600_000),
        ("0.1ms", 1),
        (" 5s ", 5_000),
    ],
)
def test_a_duration_is_read_in_milliseconds(text: str | float, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a duration"),
        ("5x", "`5x` is not a duration; write it like 30s, 5m, 1h30m or 250ms"),
        ("5 s", "not a duration"),
        ("-5s", "not a duration"),
        ("1e3", "not a duration"),
        ("٣s", "not a duration"),
        ("30m1h", "the largest first"),
        ("1h1h", "each unit once"),
        ("s", "not a duration"),
        ("101000w", "at most 100 years"),
        ("5\n\x1b[31ms", r"`5\n\x1b[31ms`"),
    ],
)
def test_what_is_no_duration_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"is (not a|too)") as refused:
        parse_duration_ms(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (1024, 1024),
        ("1024", 1024),
        ("10MiB", 10 * 2**20),
        ("10mib", 10 * 2**20),
        ("500MB", 500 * 10**6),
        ("1KB", 1_000),
        ("1KiB", 1_024),
        ("1.5 GiB", 3 * 2**29),
        ("7B", 7),
        ("0.1B", 1),
    ],
)
def test_a_size_is_read_in_bytes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10M", "10 M B", "-1", "MB", "1e3MB", "2000TiB", "10MBps"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|too large"):
        parse_size(text)


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for parse in (parse_duration_ms, parse_size):
        said, number = "", 0
        try:
            number = parse(text)
        except ValueError as refused:
            said = str(refused)
        assert number >= 0
        assert "\n" not in said


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, minutes: int, seconds: int, rest: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s{rest}ms"
    assert parse_duration_ms(text) == ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
