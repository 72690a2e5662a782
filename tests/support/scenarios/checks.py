"""Compare values with what a scenario expects of them. The answers are problems, for people.

Pure: values in, texts out. No problem means that the expectation is met.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.scenarios.schema import RowCheck, TextCheck

Fill = Callable[[str], str]
"""Replaces the placeholders in an expected text."""


def text_problems(name: str, actual: str, check: TextCheck, fill: Fill) -> list[str]:
    """What is wrong with the text called `name`."""
    problems = [
        *(f"does not contain {part!r}" for part in map(fill, check.contains) if part not in actual),
        *(f"contains {part!r}" for part in map(fill, check.lacks) if part in actual),
        *(
            f"does not match {pattern!r}"
            for pattern in map(fill, check.matches)
            if not re.search(pattern, actual, re.MULTILINE)
        ),
        *_whole_problems(actual, check, fill),
    ]
    return [f"{name} {problem}" for problem in problems]


def _whole_problems(actual: str, check: TextCheck, fill: Fill) -> Iterator[str]:
    lines = actual.splitlines()
    if check.equals is not None and actual != fill(check.equals):
        yield f"is not {fill(check.equals)!r} but {actual!r}"
    if check.lines is not None and lines != [fill(line) for line in check.lines]:
        yield f"has the lines {lines!r}, not {[fill(line) for line in check.lines]!r}"
    if check.line_count is not None and len(lines) != check.line_count:
        yield f"has {len(lines)} lines, not {check.line_count}"
    for expected in check.json:
        yield from _json_problems(actual, filled(expected, fill))


def filled(value: Any, fill: Fill) -> Any:
    """The same data with placeholders replaced in every text."""
    match value:
        case str():
            return fill(value)
        case list():
            return [filled(item, fill) for item in value]
        case dict():
            return {key: filled(item, fill) for key, item in value.items()}
    return value


def _json_problems(actual: str, expected: Any) -> list[str]:
    try:
        found = json.loads(actual)
    except ValueError as error:
        return [f"is not JSON: {error}"]
    return difference(found, expected)


def difference(actual: Any, expected: Any, place: str = "$") -> list[str]:
    """Where `actual` lacks something of `expected`.

    A mapping may have further keys. The entries of a list have to be found in the same order, with
    others before, between and after them; an empty list means an empty list.
    """
    if isinstance(expected, Mapping):
        return _mapping_difference(actual, expected, place)
    if isinstance(expected, list) and expected and isinstance(actual, list):
        return _list_difference(actual, expected, place)
    if type(actual) is not type(expected) or actual != expected:
        return [f"as JSON: {place} is {actual!r}, not {expected!r}"]
    return []


def _mapping_difference(actual: Any, expected: Mapping[str, Any], place: str) -> list[str]:
    if not isinstance(actual, Mapping):
        return [f"as JSON: {place} is {actual!r}, not a mapping"]
    problems = []
    for key, value in expected.items():
        if key in actual:
            problems += difference(actual[key], value, f"{place}.{key}")
        else:
            problems.append(f"as JSON: {place}.{key} is absent")
    return problems


def _list_difference(actual: Sequence[Any], expected: Sequence[Any], place: str) -> list[str]:
    rest = iter(actual)
    for index, value in enumerate(expected):
        if all(difference(candidate, value) for candidate in rest):
            return [f"as JSON: {place} has no entry for the expected entry {index + 1}: {value!r}"]
    return []


def row_problems(rows: Sequence[Mapping[str, Any]], check: RowCheck, fill: Fill) -> list[str]:
    """What is wrong with the rows of jobs."""
    matching = [row for row in rows if _row_matches(row, check, fill)]
    wanted = ", ".join(f"{name}: {value}" for name, value in check.columns.items()) or "any"
    if check.count is None:
        return [] if matching else [f"no row of a job has {wanted}"]
    if len(matching) != check.count:
        return [f"{len(matching)} rows of jobs have {wanted}, not {check.count}"]
    return []


def _row_matches(row: Mapping[str, Any], check: RowCheck, fill: Fill) -> bool:
    for name, expected in check.columns.items():
        if isinstance(expected, TextCheck):
            if row[name] is None or text_problems(name, str(row[name]), expected, fill):
                return False
        elif row[name] != filled(expected, fill):
            return False
    return True
