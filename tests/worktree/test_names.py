"""Folder names for branches: harmless for any text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bough.worktree.names import SLUG_LIMIT, slug

ANY = st.text(alphabet=st.characters(), max_size=120) | st.text(
    alphabet="aA-./_ $(\udce9\u0301\u00e9\n", max_size=80
)


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("feature/x", "feature-x"),
        ("main", "main"),
        ("v1.2_rc-3", "v1.2_rc-3"),
        ("Ünïcödé/日本", "Ünïcödé-日本"),
        ("हिन्दी", "हिन्दी"),
        ("a" * SLUG_LIMIT, "a" * SLUG_LIMIT),
    ],
)
def test_plain_names_stay_readable(branch: str, expected: str) -> None:
    assert slug(branch) == expected


@pytest.mark.parametrize(
    ("branch", "head"),
    [
        ("$(touch pwned)", "touch-pwned-"),
        ("-rf", "rf-"),
        ("../../x", "x-"),
        (".git", "git-"),
        ("a b", "a-b-"),
        ("a" * 61, "a" * 53 + "-"),
        ("é" * 40, "é" * 26 + "-"),
        ("e\u0301", "é-"),
        ("caf\udce9", "caf-"),
    ],
)
def test_what_is_changed_or_cut_gets_six_digits_of_hash(branch: str, head: str) -> None:
    result = slug(branch)
    assert result.startswith(head)
    digits = result.removeprefix(head)
    assert len(digits) == 6
    assert set(digits) <= set("0123456789abcdef")


@pytest.mark.parametrize("branch", ["", ".", "..", "-", "---", "\udce9", "\u0301", "/", "\0"])
def test_where_nothing_is_left_the_hash_alone_is_the_name(branch: str) -> None:
    assert len(slug(branch)) == 6


def test_names_that_would_fall_together_are_told_apart() -> None:
    names = ["a b", "a  b", "a$b", "a-b", "a" * 70, "a" * 71, "e\u0301", "\u00e9"]
    assert len({slug(name) for name in names}) == len(names)


def test_a_name_can_be_made_distinct_from_its_twin_of_another_case() -> None:
    assert slug("Fix") == "Fix"
    twins = {slug("Fix", distinct=True).casefold(), slug("fix", distinct=True).casefold(), "fix"}
    assert len(twins) == 3


@given(ANY, st.booleans())
@example("a" * 59 + "\u00e9", False)
@example("x\u0301" * 40, True)
def test_any_text_gives_one_harmless_path_component(branch: str, distinct: bool) -> None:
    result = slug(branch, distinct=distinct)
    encoded = result.encode()
    assert 0 < len(encoded) <= SLUG_LIMIT
    assert b"/" not in encoded
    assert b"\0" not in encoded
    assert result[0] not in "-."
    assert unicodedata.is_normalized("NFC", result)
    assert not any(char.isspace() or unicodedata.category(char)[0] == "C" for char in result)
    assert result == slug(branch, distinct=distinct)
