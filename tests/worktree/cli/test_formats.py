"""Lists in every format: the same rows in each, odd values whole, empty lists empty."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.model import Status
from bough.worktree.cli.formats import Format, text_of, write_table

COLUMNS = ("name", "exit", "tags")
ROWS: list[dict[str, Any]] = [
    {"name": 'a,"b"\n|c\t', "exit": 3, "tags": ["x", "y"], "status": Status.FAILED},
    {"name": "\udcff", "exit": None, "tags": [], "ok": True},
]


def test_json_holds_every_key_and_value() -> None:
    assert json.loads(text_of(ROWS, COLUMNS, Format.JSON)) == ROWS
    lines = text_of(ROWS, COLUMNS, Format.NDJSON).splitlines()
    assert [json.loads(line) for line in lines] == ROWS


def test_yaml_holds_every_key_and_value() -> None:
    assert yaml.safe_load(text_of(ROWS[:1], COLUMNS, Format.YAML)) == ROWS[:1]


@pytest.mark.parametrize(("chosen", "separator"), [(Format.CSV, ","), (Format.TSV, "\t")])
def test_separated_values_are_quoted_where_they_must_be(chosen: Format, separator: str) -> None:
    text = text_of(ROWS, COLUMNS, chosen)
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert found == [list(COLUMNS), ['a,"b"\n|c\t', "3", '["x", "y"]'], ["\udcff", "", "[]"]]


def test_markdown_keeps_a_row_on_its_line() -> None:
    text = text_of(ROWS, COLUMNS, Format.MARKDOWN)
    assert text.splitlines()[:3] == [
        "| name | exit | tags |",
        "| --- | --- | --- |",
        '| a,"b" \\|c\t | 3 | ["x", "y"] |',
    ]


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (Format.JSON, "[]\n"),
        (Format.NDJSON, ""),
        (Format.YAML, "[]\n"),
        (Format.CSV, "name,exit,tags\n"),
        (Format.TSV, "name\texit\ttags\n"),
        (Format.MARKDOWN, "| name | exit | tags |\n| --- | --- | --- |\n"),
    ],
)
def test_an_empty_list_is_an_empty_list(chosen: Format, text: str) -> None:
    assert text_of([], COLUMNS, chosen) == text


@given(st.lists(st.fixed_dictionaries({"name": st.text(), "exit": st.none() | st.integers()})))
def test_every_text_survives_json(rows: list[dict[str, Any]]) -> None:
    assert json.loads(text_of(rows, ("name", "exit"), Format.JSON)) == rows


def test_a_table_is_aligned_and_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    write_table(
        ("name", "state", "path"), [["木", "ok", "/a"], [long, "", "/b"], ["b", "failed", ""]]
    )
    assert capsys.readouterr().out.splitlines() == [
        f"name{' ' * 296}  state   path",
        f"木{' ' * 298}  ok      /a",
        f"{long}          /b",
        f"b{' ' * 299}  failed",
    ]


def test_an_empty_table_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name", "state"), [])
    assert capsys.readouterr().out == "name  state\n"
