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
    """A table for people on stdout; piped, it is as wide as it needs to be."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    piped = not sys.stdout.isatty()
    console = Console(width=10_000 if piped else None, highlight=False, soft_wrap=piped)
    table = Table(box=box.SIMPLE if not piped else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=piped)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)


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
