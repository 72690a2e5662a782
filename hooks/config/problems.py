"""From a file's tree to checked plain data, and from the schema's errors to problems for people.

Every problem of a file is found in one go. What is wrong is then taken out, and the rest goes on to
the checks of the merged configuration: one wrong key does not hide a cycle elsewhere. `damaged`
says what was taken out, so that nobody complains of what is missing because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bough.hooks.config.fields import SENTENCE, VERDICT, described, reserved
from bough.hooks.config.nodes import KEY, Loc, Node, place, to_plain
from bough.hooks.config.schema import FileShape, GroupShape, HookShape, JobShape, Shape
from bough.hooks.errors import Problem, did_you_mean, shown
from bough.hooks.events import EVENTS, RESERVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file's plain data as far as it is right, what is wrong, and which ways were taken out."""

    data: dict[str, Any]
    problems: tuple[Problem, ...]
    damaged: frozenset[Loc]


def check_shape(path: str, root: Node) -> Checked:
    """Hold a file's tree against the schema."""
    plain = to_plain(root)
    claims: dict[int, type[Shape]] = {}
    problems: list[Problem] = []
    damaged: set[Loc] = set()
    while True:
        try:
            shape = FileShape.model_validate(plain, context=claims)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        else:
            data = shape.model_dump(exclude_unset=True)
            return Checked(data=data, problems=tuple(problems), damaged=frozenset(damaged))
        if not damaged:
            problems = [_problem(path, root, plain, claims, details) for details in errors]
        ways = {_take_out(plain, details["loc"]) for details in errors}
        damaged |= ways
        if () in ways:
            return Checked(data={}, problems=tuple(problems), damaged=frozenset(damaged))


def _steps(plain: object, way: Iterable[int | str]) -> list[tuple[Any, str | int]]:
    """The containers on the way down, each with the part that leads on; other parts are passed."""
    steps: list[tuple[Any, str | int]] = []
    value = plain
    for part in way:
        inside = part in value if isinstance(value, dict) else _indexes(value, part)
        if inside:
            steps.append((value, part))
            value = value[part]  # type: ignore[index]  # `inside` says that it is a container
    return steps


def _indexes(value: object, part: int | str) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _take_out(plain: object, way: Iterable[int | str]) -> Loc:
    """Remove the key nearest to the end of `way`; what was removed, () if there is nothing.

    Only keys of mappings are removed: a list keeps its indexes, or goes as a whole.
    """
    steps = _steps(plain, way)
    while steps and not isinstance(steps[-1][0], dict):
        steps.pop()
    if steps:
        mapping, key = steps[-1]
        del mapping[key]
    return tuple(part for _, part in steps)


def _problem(
    path: str, root: Node, plain: object, claims: Mapping[int, type[Shape]], details: ErrorDetails
) -> Problem:
    way = details["loc"]
    if details["type"] == "extra_forbidden":
        steps = _steps(plain, way)
        message = _unknown_key(str(way[-1]), claims[id(steps[-1][0])])
        way = (*way, KEY)
    else:
        message = _message(details)
    line, column = place(root, way)
    return Problem(path=path, line=line, column=column, message=message)


def _message(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] == SENTENCE:
        return str(context["message"])
    named = [part for part in details["loc"] if isinstance(part, str) and part[:1] not in "(["]
    subject = f"`{shown(named[-1])}`" if named else "the file"
    if details["type"] == VERDICT:
        return f"{subject} {context['message']}"
    # All other values are checked by `fields`; what is left to pydantic is the two collections.
    collection = "list" if details["type"] == "list_type" else "mapping"
    return f"{subject} must be a {collection}; {described(details['input'])}"


def _unknown_key(key: str, shape: type[Shape]) -> str:
    """Why a key does not belong where it stands, and where it, or what was meant, does."""
    return _misplaced(key, shape) or _not_known(key, tuple(shape.model_fields))


def _not_known(key: str, known: tuple[str, ...]) -> str:
    near = did_you_mean(key, known) or f"; known here: {', '.join(known)}"
    return f"unknown key `{shown(key)}`{near}"


def _misplaced(key: str, shape: type[Shape]) -> str:
    """What to say about a key that means something elsewhere; empty if it does not."""
    if shape is FileShape:
        if key in RESERVED:
            return reserved(key)
        return f"`{key}` is an event: declare it under `hooks:`" if key in EVENTS else ""
    if shape is HookShape and key in JobShape.model_fields:
        return f"`{key}` is a key of a job: write it inside `jobs:`"
    if shape is GroupShape and key in JobShape.model_fields:
        return f"`{key}` belongs beside `group`, or inside its `jobs`"
    if shape is JobShape and key in HookShape.model_fields:
        return f"`{key}` is a key of a hook, not of a job"
    return ""
