"""Errors and what they quote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.errors import Exit
from bough.hooks.errors import (
    ConfigError,
    JobFailedError,
    Problem,
    UntrustedError,
    did_you_mean,
    shown,
)


@given(st.text())
def test_what_is_shown_is_one_printable_line(text: str) -> None:
    assert shown(text).isprintable()
    assert len(text) > 80 or text.isprintable() <= (shown(text) == text)


def test_long_text_is_shortened() -> None:
    assert shown("x" * 81) == "x" * 79 + "…"


def test_a_surrogate_escape_can_be_shown() -> None:
    assert shown("caf\udce9") == r"caf\udce9"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("rnu", "; did you mean `run`?"), ("zzz", ""), ("", ""), ("need", "; did you mean `needs`?")],
)
def test_the_nearest_word_is_suggested(word: str, hint: str) -> None:
    assert did_you_mean(word, ["run", "needs", "root"]) == hint


def test_a_config_error_says_all_problems_one_on_a_line() -> None:
    first = Problem(path="bough.yml", line=1, column=2, message="one")
    second = Problem(path="bough.yml", line=3, column=4, message="two")
    error = ConfigError(iter([first, second]), hint="look")
    assert error.problems == (first, second)
    assert error.message == "bough.yml:1:2: one\nbough.yml:3:4: two"
    assert error.hint == "look"


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (ConfigError([]), "CONFIG", Exit.CONFIG),
        (UntrustedError("x"), "UNTRUSTED", Exit.UNTRUSTED),
        (JobFailedError("x"), "JOB_FAILED", Exit.JOB_FAILED),
    ],
)
def test_each_error_has_its_code_and_exit_status(
    error: ConfigError | UntrustedError | JobFailedError, code: str, status: Exit
) -> None:
    assert (error.code, error.exit) == (code, status)
