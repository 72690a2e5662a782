"""What goes to the terminal: times in few characters, no control sequences, colours if wanted."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.worktree.cli.terminal import Style, age, duration, harmless, style_for


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "-"),
        (0, "0ms"),
        (999, "999ms"),
        (1_000, "1.0s"),
        (2_149, "2.1s"),
        (59_940, "59.9s"),
        (59_999, "1m00s"),
        (192_000, "3m12s"),
        (3_599_600, "1h00m"),
        (3_840_000, "1h04m"),
        (360_000_000, "100h00m"),
    ],
)
def test_durations_are_short(milliseconds: int | None, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0s"),
        (59_999, "59s"),
        (60_000, "1m"),
        (3_600_000, "1h"),
        (86_400_000, "1d"),
        (864_000_000, "10d"),
    ],
)
def test_ages_have_one_unit(milliseconds: int, text: str) -> None:
    assert age(milliseconds) == text


@given(st.text())
def test_harmless_text_stays_on_its_line_and_commands_no_terminal(text: str) -> None:
    shown = harmless(text)
    assert all(char.isprintable() or char == "\t" for char in shown)
    if text.isprintable():
        assert shown == text


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    assert style_for(io.StringIO()) == Style()
    assert style_for(_Terminal()).bold
    monkeypatch.setenv("TERM", "dumb")
    assert style_for(_Terminal()) == Style()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert style_for(_Terminal()) == Style()


def test_talk_without_a_listener_stops_nothing() -> None:
    script = (
        "from bough.worktree.cli.terminal import say\n"
        "for n in range(3): say('talk' * 100)\n"
        "print('over')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=writer, check=True
        )
    finally:
        os.close(writer)
    assert done.stdout == b"over\n"
