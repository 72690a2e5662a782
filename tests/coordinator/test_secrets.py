"""Which names are secret, which values are masked, and what a mask covers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.secrets import covered, is_secret_name, mask_text, scrub, secret_values


@pytest.mark.parametrize(
    "name",
    [
        "TOKEN",
        "API_KEY",
        "GITHUB_TOKEN",
        "aws_secret_access_key",
        "DB_PASSWORD",
        "PASSWD",
        "X_CREDENTIAL",
        "CREDENTIALS_FILE",
        "_KEY_",
        "MY_GIT_CONFIG_KEY",
    ],
)
def test_a_name_with_a_secret_word_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "KEYMAP",
        "MONKEY",
        "TOKENS",
        "PASSWORDLESS",
        "PATH",
        "",
        "_",
        "GIT_CONFIG_KEY_0",
        "GIT_CONFIG_VALUE_TOKEN",
        "git_config_key_1",
        "SSH-KEY",
    ],
)
def test_other_names_are_not_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_only_secret_names_contribute_and_the_longest_value_comes_first() -> None:
    env = {"A_TOKEN": "abcdef", "B_KEY": "abcdefgh", "PLAIN": "not-a-secret", "C_KEY": "abcdef"}
    assert secret_values(env) == ("abcdefgh", "abcdef")


@pytest.mark.parametrize("value", ["", "12345", "     ", "       ", "\n\n\n\n\n\n\n"])
def test_short_and_blank_values_are_not_masked(value: str) -> None:
    assert secret_values({"API_KEY": value}) == ()


def test_lines_of_a_value_are_masked_too() -> None:
    value = "-----BEGIN-----\nMIIBVgIBADAN\nab\n  indented-line\r\n"
    assert secret_values({"DEPLOY_KEY": value}) == (
        value,
        "-----BEGIN-----",
        "indented-line",
        "MIIBVgIBADAN",
    )


def test_a_value_counts_without_the_white_space_around_it() -> None:
    assert secret_values({"API_KEY": " abcdef\n"}) == (" abcdef\n", "abcdef")


def test_scrub_keeps_everything_but_secrets() -> None:
    env = {"PATH": "/bin", "API_KEY": "x", "GIT_CONFIG_KEY_0": "core.editor", "HOME": "/h"}
    assert scrub(env) == {"PATH": "/bin", "GIT_CONFIG_KEY_0": "core.editor", "HOME": "/h"}


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("", ["abcdef"], ""),
        ("nothing here", ["abcdef"], "nothing here"),
        ("nothing known", [], "nothing known"),
        ("x abcdef y", ["abcdef"], "x *** y"),
        ("abcdefabcdef", ["abcdef"], "******"),
        ("abcdefgh", ["abcdef", "abcdefgh"], "***"),
        ("xabcdefx", ["abcdef", "xabcdefy"], "x***x"),
        ("abcdefghi", ["abcdef", "defghi"], "***"),
        ("abababababz", ["ababab"], "***z"),
        ("a\nline-one\nline-two\n", ["line-one\nline-two"], "a\n***\n"),
        ("caf\udce9 s3cr\udce9t!", ["s3cr\udce9t"], "caf\udce9 ***!"),
    ],
)
def test_what_is_covered_becomes_one_mask(text: str, secrets: list[str], expected: str) -> None:
    assert mask_text(text, secrets) == expected


few = st.text("ab\n", min_size=1, max_size=5)


@given(text=st.text("ab\nc", max_size=40), secrets=st.lists(few, max_size=4))
def test_a_position_is_covered_exactly_if_an_occurrence_contains_it(
    text: str, secrets: list[str]
) -> None:
    inside = {
        position
        for secret in secrets
        for start in range(len(text))
        if text.startswith(secret, start)
        for position in range(start, start + len(secret))
    }
    spans = covered(text, secrets)
    assert {position for start, end in spans for position in range(start, end)} == inside
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
