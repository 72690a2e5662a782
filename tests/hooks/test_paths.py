"""Paths as messages show them."""

from __future__ import annotations

import pytest

from bough.hooks.paths import shown_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/a b", "/home/me/a b"),
        ("/a\nb/\x1b[2J/c", "/a\\nb/\\x1b[2J/c"),
        ("caf\udce9", "caf\\udce9"),
        ("", ""),
    ],
)
def test_a_path_is_harmless(path: str, expected: str) -> None:
    assert shown_path(path) == expected


def test_a_long_path_keeps_its_end() -> None:
    path = "/deep" * 60 + "/end"
    assert shown_path(path) == path
