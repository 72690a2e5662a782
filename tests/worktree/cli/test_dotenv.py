"""Bough's block in a `.env`: only it changes, and shells read back what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.worktree.cli.dotenv import BEGIN, END, DamagedBlock, with_block
from tests.support.commands import run

BLOCK = BEGIN + b"\nA=1\n" + END + b"\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", BLOCK),
        (b"X=1\n", b"X=1\n" + BLOCK),
        (b"X=1", b"X=1\n" + BLOCK),
        (b"X\r\n" + BEGIN + b"\nOLD=1\nB=2\n" + END + b"\nY\xff", b"X\r\n" + BLOCK + b"Y\xff"),
        (BEGIN + b"\n" + END, BLOCK),
        (BEGIN + b"\r\nA=0\r\n" + END + b"\r\nZ=1\r\n", BLOCK + b"Z=1\r\n"),
        (BLOCK, BLOCK),
    ],
)
def test_only_the_block_changes(before: bytes, after: bytes) -> None:
    assert with_block(before, {"A": "1"}) == after


def test_without_variables_the_block_goes() -> None:
    assert with_block(b"X=1\n" + BLOCK + b"Y=2", {}) == b"X=1\nY=2"
    assert with_block(b"X=1", {}) == b"X=1"


@pytest.mark.parametrize(
    "damaged",
    [BEGIN + b"\n", END + b"\n", END + b"\n" + BEGIN + b"\n", BLOCK + BLOCK, BEGIN + b"\n" + BLOCK],
)
def test_a_damaged_block_is_left_alone(damaged: bytes) -> None:
    with pytest.raises(DamagedBlock):
        with_block(damaged, {"A": "1"})


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20)


@given(st.binary(max_size=60), st.dictionaries(st.sampled_from("ABC"), TEXT, min_size=1), TEXT)
def test_what_is_around_survives_and_writing_twice_changes_nothing(
    before: bytes, variables: dict[str, str], other: str
) -> None:
    once = with_block(before, variables)
    assert once.startswith(before)
    assert with_block(once, variables) == once
    assert with_block(with_block(once, {"A": other}), variables) == once


@pytest.mark.parametrize(
    "value",
    ["plain-1.2", "", "two words", "it's", 'a "b" $HOME `x` \\', "it's $HOME \"`\\", "ü/木", "#no"],
)
def test_a_shell_reads_what_was_written(value: str) -> None:
    script = with_block(b"", {"A": value}).decode() + "printf '%s' \"$A\""
    assert run(["sh", "-c", script]).stdout == value
