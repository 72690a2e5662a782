"""Plain data to values: from the merged configuration to hooks, tasks and jobs.

Pure: the data has passed the schema (or comes from a cache of what had), so that nothing here can
be wrong with it. What a hook says for its jobs is filled in, and jobs without a name get one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bough.coordinator.model import DEFAULT_RETENTION_S, LogPolicy, Output, Retry, When
from bough.hooks.conditions import SYSTEMS, Condition, Kind
from bough.hooks.config.groups import Entry, alone, entries, jobs_of
from bough.hooks.config.model import (
    Config,
    CoordinatorSettings,
    Group,
    Hook,
    Job,
    Missing,
    Mode,
)
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
    return Config(
        hooks=MappingProxyType({event: _hook(event, body) for event, body in hooks.items()}),
        tasks=MappingProxyType({name: _task(name, body) for name, body in tasks.items()}),
        layout=merged.get("layout"),
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


def _task(name: str, body: Mapping[str, Any]) -> Hook:
    if not single_job(body):
        return _hook(f"{TASK_PREFIX}{name}", body)
    if "group" in body:
        return Hook(jobs=_jobs(alone(body), f"{TASK_PREFIX}{name}", background=False))
    return Hook(jobs=(_job(body, name, background=False),))


def _hook(event: str, body: Mapping[str, Any]) -> Hook:
    fail_mode = body.get("fail_mode")
    return Hook(
        jobs=_jobs(entries(body), event, background=body.get("background", False)),
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


def _jobs(found: Sequence[Entry], event: str, *, background: bool) -> tuple[Job, ...]:
    """The jobs among a hook's entries, flat. Those without a name are called by their number."""
    declared = jobs_of(found)
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
            groups=tuple(
                Group(number=groups[group.way], mode=mode_of(group.body["group"]))
                for group in entry.groups
            ),
        )
        for entry in declared
        for job in (_job(entry.effective, names[entry.way], background=background),)
    )


def _job(body: Mapping[str, Any], unnamed: str, *, background: bool) -> Job:
    timeout = body.get("timeout")
    retries = body.get("retries", {})
    log = body.get("log", {})
    return Job(
        name=body.get("name", unnamed),
        run=_run(body.get("run")),
        description=body.get("description", ""),
        root=body.get("root", ""),
        env=tuple(body.get("env", {}).items()),
        needs=tuple(dict.fromkeys(body.get("needs", ()))),
        when=When(body.get("when", _DEFAULTS.when)),
        background=body.get("background", background),
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
        fail_text=body.get("fail_text", ""),
        log=_log(log),
        retention_s=_retention_s(log),
    )


def _run(run: str | Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
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
