"""The keys of a scenario file: from YAML to the values of `schema`, unknown keys refused."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from tests.support.scenarios.reading import (
    Reader,
    boolean,
    duration,
    entries,
    fail,
    fields,
    integer,
    listed,
    mapped,
    one_of,
    one_or_more,
    parse,
    plain,
    suggestion,
    text,
)
from tests.support.scenarios.rows import NEW_ROW_COLUMNS
from tests.support.scenarios.schema import (
    Action,
    Age,
    Commit,
    EventCheck,
    Expect,
    FileCheck,
    JobName,
    Kill,
    LogCheck,
    RepoSpec,
    RowCheck,
    Rows,
    Run,
    Scenario,
    Signal,
    Step,
    TextCheck,
    Wait,
    Write,
)
from tests.support.store import ROW_COLUMNS


def load(path: Path) -> Scenario:
    """Read one file; raises `Malformed` with the place of the first thing wrong in it."""
    node = parse(path)
    found = fields(
        node,
        {
            "description": text,
            "requires": one_or_more(text),
            "repo": _repo,
            "steps": listed(_step),
            "expect": _state,
        },
    )
    _require(node, found, "description", "steps")
    return Scenario(
        path=path,
        description=found["description"],
        requires=found.get("requires", ()),
        repo=found.get("repo", RepoSpec()),
        steps=found["steps"],
        expect=found.get("expect", Expect()),
        expect_line=_line(entries(node)["expect"][0]) if "expect" in found else 0,
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _require(node: Node, found: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in found:
            fail(node, f"the key {name!r} is missing")


# --- repo ---------------------------------------------------------------------------------------


def _repo(node: Node) -> RepoSpec | None:
    if isinstance(node, ScalarNode):
        one_of("none")(node)
        return None
    return RepoSpec(
        **fields(
            node,
            {
                "name": text,
                "files": mapped(text),
                "uncommitted": mapped(text),
                "branches": _branches,
                "config": mapped(text),
                "remote": boolean,
                "trust": boolean,
            },
        )
    )


def _branches(node: Node) -> dict[str, dict[str, str]]:
    if isinstance(node, MappingNode):
        return mapped(mapped(text))(node)
    return {name: {} for name in listed(text)(node)}


# --- steps --------------------------------------------------------------------------------------


def _run(found: dict[str, Any], node: Node) -> Run:
    name = found.pop("as", None)
    background = found.pop("background", False)
    if background and name is None:
        fail(node, "a step in the background needs a name: add 'as: NAME'")
    if name is not None and not background:
        fail(node, "'as' names a step in the background: add 'background: true'")
    return Run(command=found.pop("run"), folder=found.pop("in", None), background=name, **found)


def _kill(node: Node) -> Kill:
    if isinstance(node, ScalarNode):
        return Kill(what=one_of("coordinator")(node))
    found = fields(node, {"supervisor": _job_name, "job": _job_name, "command": text})
    if len(found) != 1:
        fail(node, "expected one of supervisor, job, command")
    ((what, target),) = found.items()
    if what == "command":
        return Kill(what=what, step=target)
    return Kill(what=what, job=target)


def _signal_name(node: Node) -> str:
    return one_of(*(member.name.removeprefix("SIG") for member in signal.Signals))(node)


def _signal(node: Node) -> Signal:
    found = fields(node, {"step": text, "signal": _signal_name})
    _require(node, found, "step", "signal")
    return Signal(**found)


def _age(node: Node) -> Age:
    found = fields(node, {"invocation": one_of("last", "all"), "by": duration})
    _require(node, found, "invocation", "by")
    return Age(**found)


def _new_row(node: Node) -> dict[str, Any]:
    row = fields(node, dict.fromkeys(NEW_ROW_COLUMNS, plain))
    _require(node, row, "name", "status")
    return row


def _written(kind: type[Write] | type[Commit], key: str) -> Callable[..., Action]:
    def make(found: dict[str, Any], node: Node) -> Action:
        del node  # every combination of these keys means something
        return kind(files=found[key], folder=found.get("in"))

    return make


_RUN_OPTIONS: dict[str, Reader[Any]] = {
    "in": text,
    "shell": one_of("sh", "bash", "zsh", "fish"),
    "env": mapped(text),
    "stdin": text,
    "tty": boolean,
    "background": boolean,
    "as": text,
    "timeout": duration,
}

# Each kind of step: the reader of its own key, its further keys, and what makes the action of them.
_ACTIONS: dict[str, tuple[Reader[Any], dict[str, Reader[Any]], Callable[..., Action]]] = {
    "run": (text, _RUN_OPTIONS, _run),
    "wait": (
        text,
        {"timeout": duration},
        lambda found, _node: Wait(step=found.pop("wait"), **found),
    ),
    "signal": (_signal, {}, lambda found, _node: found["signal"]),
    "write": (mapped(text), {"in": text}, _written(Write, "write")),
    "commit": (mapped(text), {"in": text}, _written(Commit, "commit")),
    "kill": (_kill, {}, lambda found, _node: found["kill"]),
    "jobs": (
        listed(_new_row),
        {"event": text, "in": text},
        lambda found, _node: Rows(folder=found.pop("in", None), **found),
    ),
    "age": (_age, {}, lambda found, _node: found["age"]),
}


def _step(node: Node) -> Step:
    keys = entries(node)
    kinds = [key for key in keys if key in _ACTIONS]
    if len(kinds) != 1:
        odd = [key for key in keys if key != "expect" and key not in _RUN_OPTIONS]
        near = suggestion(odd[0], tuple(_ACTIONS)) if odd and not kinds else ""
        fail(node, f"a step has exactly one of {', '.join(_ACTIONS)}{near}")
    reader, options, make = _ACTIONS[kinds[0]]
    ends = kinds[0] == "wait" or (kinds[0] == "run" and "background" not in keys)
    expectation = _outcome if ends else _state
    found = fields(node, {kinds[0]: reader, **options, "expect": expectation})
    expect = found.pop("expect", Expect())
    return Step(line=_line(node), action=make(found, node), expect=expect)


# --- expectations -------------------------------------------------------------------------------


def _outcome(node: Node) -> Expect:
    """Of a command that has ended: its exit and output too."""
    return _expect(node, {"exit": _exit, "stdout": _text_check, "stderr": _text_check})


def _state(node: Node) -> Expect:
    """Of everything else: only what is to be found afterwards."""
    return _expect(node, {})


def _expect(node: Node, more: dict[str, Reader[Any]]) -> Expect:
    found = fields(
        node,
        {
            **more,
            "files": mapped(_file_check),
            "dirs": one_or_more(text),
            "missing": one_or_more(text),
            "worktrees": listed(text),
            "branches": lambda inner: fields(
                inner, {"has": one_or_more(text), "lacks": one_or_more(text)}
            ),
            "jobs": listed(_row_check),
            "log": one_or_more(_log_check),
            "events": one_or_more(_event_check),
            "within": duration,
        },
    )
    branches = found.pop("branches", {})
    return Expect(
        **found,
        branches_has=branches.get("has", ()),
        branches_lacks=branches.get("lacks", ()),
    )


def _exit(node: Node) -> int | None:
    return None if isinstance(node, ScalarNode) and node.value == "any" else integer(node)


def _pattern(node: Node) -> str:
    try:
        re.compile(text(node))
    except re.error as error:
        fail(node, f"not a regular expression: {error}")
    return text(node)


_TEXT_KEYS: dict[str, Reader[Any]] = {
    "contains": one_or_more(text),
    "lacks": one_or_more(text),
    "matches": one_or_more(_pattern),
    "equals": text,
    "lines": listed(text),
    "line_count": integer,
    "json": lambda node: (plain(node),),
}


def _text_check(node: Node) -> TextCheck:
    return TextCheck(**fields(node, _TEXT_KEYS))


def _file_check(node: Node) -> FileCheck:
    found = fields(node, {**_TEXT_KEYS, "mode": text})
    return FileCheck(mode=found.pop("mode", None), content=TextCheck(**found))


def _row_check(node: Node) -> RowCheck:
    found = fields(node, {**dict.fromkeys(ROW_COLUMNS, _column), "count": integer})
    return RowCheck(count=found.pop("count", None), columns=found)


def _column(node: Node) -> Any:
    return _text_check(node) if isinstance(node, MappingNode) else plain(node)


_JOB_KEYS: dict[str, Reader[Any]] = {
    "name": text,
    "event": text,
    "worktree": text,
    "attempt": integer,
}


def _job_name(node: Node) -> JobName:
    if isinstance(node, ScalarNode):
        return JobName(name=text(node))
    found = fields(node, _JOB_KEYS)
    _require(node, found, "name")
    return JobName(**found)


def _log_check(node: Node) -> LogCheck:
    found = fields(
        node,
        {
            "job": _job_name,
            "output": _text_check,
            "stdout": _text_check,
            "stderr": _text_check,
            "statuses": listed(text),
        },
    )
    _require(node, found, "job")
    return LogCheck(**found)


def _event_check(node: Node) -> EventCheck:
    found = fields(node, {"job": _job_name, "path": listed(text)})
    _require(node, found, "job", "path")
    return EventCheck(**found)
