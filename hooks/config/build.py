"""Plain data to values: from the merged configuration to hooks, tasks and jobs.

Pure: the data has passed the schema (or comes from a cache of what had), so that nothing here can
be wrong with it. What a hook says for its jobs is filled in, and jobs without a name get one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import normpath
from types import MappingProxyType
from typing import Any

from bough.coordinator.model import (
    DEFAULT_RETENTION_S,
    LockMode,
    LogPolicy,
    Output,
    Retry,
    When,
)
from bough.hooks.conditions import SYSTEMS, Condition, Kind
from bough.hooks.config.derived import derived_from_data
from bough.hooks.config.groups import FILTERS, Entry, alone, entries, jobs_of
from bough.hooks.config.model import (
    Config,
    CoordinatorSettings,
    Filter,
    Group,
    Hook,
    Job,
    Missing,
    Mode,
    Script,
)
from bough.hooks.config.nodes import Loc
from bough.hooks.config.sources import Source
from bough.hooks.durations import parse_duration_ms, parse_size
from bough.hooks.events import TASK_PREFIX, FailMode

_DEFAULTS = Job(name="", run=())
_FLAGS = {True: Kind.ALWAYS, False: Kind.NEVER}


def config_from_data(merged: Mapping[str, Any], sources: Sequence[Source]) -> Config:
    """The configuration that `merged` describes; `sources` are the files that it was made of."""
    hooks = merged.get("hooks", {})
    tasks = merged.get("tasks", {})
    coordinator = merged.get("coordinator", {})
    idle_exit = coordinator.get("idle_exit")
    # A problem if it lacks one; then nothing is run.
    contents = {source.path: source.data for source in sources}
    run = _Run(
        contents=contents,
        rc=contents.get(normpath(merged["rc"]), b"") if "rc" in merged else b"",
    )
    return Config(
        hooks=MappingProxyType({event: _hook(event, body, run) for event, body in hooks.items()}),
        tasks=MappingProxyType({name: _task(name, body, run) for name, body in tasks.items()}),
        layout=merged.get("layout"),
        env=derived_from_data(merged.get("env", {})),
        coordinator=CoordinatorSettings(
            max_parallel=coordinator.get("max_parallel"),
            idle_exit_ms=None if idle_exit is None else parse_duration_ms(idle_exit),
        ),
        sources=tuple(sources),
        merged=merged,
    )


def single_job(task: Mapping[str, Any]) -> bool:
    """Whether a task is one job, not a hook with several."""
    return "jobs" not in task


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The bytes that jobs run: by path, and those of `rc`."""

    contents: Mapping[str, bytes]
    rc: bytes


def executed_files(merged: Mapping[str, Any]) -> dict[str, list[Loc]]:
    """The files that jobs run, by path, each with the ways to all that name it."""
    found: dict[str, list[Loc]] = {}
    if "rc" in merged:
        found[normpath(merged["rc"])] = [("rc",)]
    for section in ("hooks", "tasks"):
        for name, body in merged.get(section, {}).items():
            single = section == "tasks" and single_job(body)
            for entry in alone(body) if single else entries(body):
                if "script" in entry.body:
                    way = (section, name, *entry.way, "script")
                    found.setdefault(normpath(entry.body["script"]), []).append(way)
    return found


def _task(name: str, body: Mapping[str, Any], run: _Run) -> Hook:
    if not single_job(body):
        return _hook(f"{TASK_PREFIX}{name}", body, run)
    if "group" in body:
        return Hook(jobs=_jobs(alone(body), f"{TASK_PREFIX}{name}", run, hook={}))
    return Hook(jobs=(replace(_job(body, name, run), filters=_filters((body,))),))


def _hook(event: str, body: Mapping[str, Any], run: _Run) -> Hook:
    fail_mode = body.get("fail_mode")
    return Hook(
        jobs=_jobs(entries(body), event, run, hook=body),
        mode=mode_of(body),
        fail_mode=None if fail_mode is None else FailMode(fail_mode),
        skip=_conditions(body.get("skip", ())),
        only=_conditions(body.get("only", ())),
        exclude_tags=tuple(body.get("exclude_tags", ())),
        env=tuple(body.get("env", {}).items()),
    )


def mode_of(body: Mapping[str, Any]) -> Mode:
    """The mode that a hook or group chose, or the default."""
    return next((mode for mode in Mode if body.get(mode)), Mode.PARALLEL)


def _jobs(
    found: Sequence[Entry], event: str, run: _Run, *, hook: Mapping[str, Any]
) -> tuple[Job, ...]:
    """The jobs among a hook's entries, flat. Those without a name are called by their number."""
    declared = jobs_of(found)
    defaults = {key: hook[key] for key in ("background", "files") if key in hook}
    groups = {entry.way: number for number, entry in enumerate(found, start=1) if entry.is_group}
    names = {
        entry.way: entry.body.get("name", f"{event}-{ordinal}")
        for ordinal, entry in enumerate(declared, start=1)
    }
    members: dict[str, list[str]] = {}
    for entry in declared:
        for group in entry.groups:
            if "name" in group.body:
                members.setdefault(group.body["name"], []).append(names[entry.way])
    return tuple(
        replace(
            job,
            needs=tuple(dict.fromkeys(n for need in job.needs for n in members.get(need, [need]))),
            filters=_filters((hook, *(group.body for group in entry.groups), entry.body)),
            groups=tuple(
                Group(number=groups[group.way], mode=mode_of(group.body["group"]))
                for group in entry.groups
            ),
        )
        for entry in declared
        for job in (_job({**defaults, **entry.effective}, names[entry.way], run),)
    )


def _filters(bodies: Iterable[Mapping[str, Any]]) -> tuple[Filter, ...]:
    return tuple(
        Filter(
            glob=tuple(body.get("glob", ())),
            exclude=tuple(body.get("exclude", ())),
            types=tuple(body.get("file_types", ())),
        )
        for body in bodies
        if not FILTERS.isdisjoint(body)
    )


def _job(body: Mapping[str, Any], unnamed: str, run: _Run) -> Job:
    timeout = body.get("timeout")
    retries = body.get("retries", {})
    log = body.get("log", {})
    return Job(
        name=body.get("name", unnamed),
        run=_commands(body.get("run")),
        script=_script(body, run),
        rc=run.rc,
        files=body.get("files", ""),
        stage_fixed=body.get("stage_fixed", False),
        description=body.get("description", ""),
        root=body.get("root", ""),
        env=tuple(body.get("env", {}).items()),
        needs=tuple(dict.fromkeys(body.get("needs", ()))),
        when=When(body.get("when", _DEFAULTS.when)),
        background=body.get("background", False),
        output=Output(body.get("background_output", _DEFAULTS.output)),
        tags=tuple(dict.fromkeys(body.get("tags", ()))),
        skip=_conditions(body.get("skip", ())),
        only=_conditions(body.get("only", ())),
        os=tuple(body.get("os", ())),
        arch=tuple(body.get("arch", ())),
        requires=tuple(dict.fromkeys(body.get("requires", ()))),
        requires_mode=Missing(body.get("requires_mode", _DEFAULTS.requires_mode)),
        timeout_ms=None if timeout is None else parse_duration_ms(timeout),
        idle_timeout_ms=parse_duration_ms(body.get("idle_timeout", 0)),
        retry=_retry(retries),
        allow_failure=body.get("allow_failure", False),
        priority=body.get("priority", 0),
        locks=tuple((name, LockMode(mode)) for name, mode in sorted(body.get("locks", {}).items())),
        fail_text=body.get("fail_text", ""),
        log=_log(log),
        retention_s=_retention_s(log),
    )


def _script(body: Mapping[str, Any], run: _Run) -> Script | None:
    if "script" not in body:
        return None
    path = normpath(body["script"])
    return Script(
        path=path,
        data=run.contents.get(path, b""),
        runner=tuple(body.get("runner", ())),
        args=tuple(body.get("args", ())),
    )


def _commands(run: str | Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    if run is None:
        return ()
    if isinstance(run, str):
        return tuple((system, run) for system in SYSTEMS)
    return tuple(run.items())


def _retry(retries: Mapping[str, Any]) -> Retry:
    backoff = retries.get("backoff")
    return Retry(
        max=retries.get("max", 0),
        backoff_ms=_DEFAULTS.retry.backoff_ms if backoff is None else parse_duration_ms(backoff),
    )


def _log(log: Mapping[str, Any]) -> LogPolicy:
    """`max_size` 0 means no limit, as for every other limit."""
    size = log.get("max_size")
    return LogPolicy(
        max_size=_DEFAULTS.log.max_size if size is None else parse_size(size) or None,
        sample_every=log.get("sample_every", 1),
    )


def _retention_s(log: Mapping[str, Any]) -> int:
    """Whole seconds, rounded up: only a retention of 0 is 0."""
    retention = log.get("retention")
    return DEFAULT_RETENTION_S if retention is None else -(-parse_duration_ms(retention) // 1000)


def _conditions(entries: Sequence[bool | str | Mapping[str, str]]) -> tuple[Condition, ...]:
    return tuple(map(_condition, entries))


def _condition(entry: bool | str | Mapping[str, str]) -> Condition:
    if isinstance(entry, bool):
        return Condition(kind=_FLAGS[entry])
    if isinstance(entry, str):
        return Condition(kind=Kind(entry))
    kind = Kind.REF if "ref" in entry else Kind.ENV
    return Condition(kind=kind, value=entry[kind], desc=entry.get("desc", ""))
