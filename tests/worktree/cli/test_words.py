"""Reading a command line by hand: where the verb stands, and whether JSON is wanted."""

from __future__ import annotations

import pytest

from bough.worktree.cli.words import verb_at, wants_json


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("list", "list"),
        ("-C run jobs", "jobs"),
        ("-q -C /x -v start y", "start"),
        ("--version", ""),
        ("-C", ""),
        ("", ""),
        ("-- list", "list"),
    ],
)
def test_the_verb_is_the_first_word_that_is_no_option(line: str, verb: str) -> None:
    words = line.split()
    assert "".join(words[verb_at(words) :][:1]) == verb


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("list --format json", True),
        ("list --format=json", True),
        ("--format json list", True),
        ("list --format ndjson", False),
        ("list --format", False),
        ("list json", False),
        ("jobs show run --format json", True),
        ("run --format json", True),
        ("run --skip-hooks a --format=json task", True),
        ("run task --format json", False),
        ("run task --format=json", False),
        ("-C run jobs --format json", True),
        ("", False),
    ],
)
def test_json_is_wanted_of_bough_and_not_of_a_task(line: str, wanted: bool) -> None:
    assert wants_json(line.split()) is wanted
