"""Lists in every format that is asked for: one function from rows to text.

An empty list is an empty list in that format: `[]`, a header, nothing.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from bough.worktree.cli.terminal import style_for, tell

Row = Mapping[str, Any]


class Format(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    TSV = "tsv"
    YAML = "yaml"
    MARKDOWN = "markdown"


def write(rows: Sequence[Row], columns: Sequence[str], chosen: Format) -> None:
    """Write rows to stdout in a format for machines; `columns` matter to the tabular ones."""
    sys.stdout.write(text_of(rows, columns, chosen))
    sys.stdout.flush()


def text_of(rows: Sequence[Row], columns: Sequence[str], chosen: Format) -> str:
    """The rows as text. TABLE is drawn by whoever knows what is worth seeing (`write_table`)."""
    match chosen:
        case Format.JSON:
            return json.dumps(list(rows), indent=2) + "\n"
        case Format.NDJSON:
            return "".join(json.dumps(row) + "\n" for row in rows)
        case Format.YAML:
            import yaml

            return str(yaml.safe_dump([_plain(row) for row in rows], sort_keys=False))
        case Format.CSV | Format.TSV:
            return _separated(rows, columns, "," if chosen is Format.CSV else "\t")
        case _:
            return _markdown(rows, columns)


def write_table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table for people on stdout: columns aligned, no cell cut or folded.

    What is too wide for the terminal is wrapped by the terminal itself, so that names and paths can
    be copied whole.
    """
    from rich.cells import cell_len

    widths = [
        max(cell_len(cell) for cell in column) for column in zip(columns, *lines, strict=True)
    ]

    def text(cells: Sequence[str]) -> str:
        padded = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
        )
        return "  ".join(padded).rstrip()

    style = style_for(sys.stdout)
    tell(f"{style.bold}{text(columns)}{style.reset}")
    for line in lines:
        tell(text(line))


def _plain(row: Row) -> dict[str, Any]:
    # yaml.safe_dump knows the exact basic types only, not enumerations derived from them.
    return {key: str(value) if isinstance(value, str) else value for key, value in row.items()}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    return str(value)


def _separated(rows: Sequence[Row], columns: Sequence[str], separator: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return buffer.getvalue()


def _markdown(rows: Sequence[Row], columns: Sequence[str]) -> str:
    def line(cells: Sequence[str]) -> str:
        escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
        return "| " + " | ".join(escaped) + " |\n"

    body = "".join(line([_cell(row.get(column)) for column in columns]) for row in rows)
    return line(columns) + line(["---"] * len(columns)) + body
