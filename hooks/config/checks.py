"""What must hold of the merged configuration beyond the shape of its files.

Pure: values in, problems out, each at the last definition of what it is about. Nobody is told of
what is missing only because it could not be read: that is reported already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bough.coordinator.model import When
from bough.hooks.config.build import mode_of, single_job
from bough.hooks.config.derived import derived_faults
from bough.hooks.config.groups import OF_A_GROUP, Body, Entry, alone, entries, jobs_of
from bough.hooks.config.merge import Layer, Merged
from bough.hooks.config.model import Config, Hook, Job, Mode
from bough.hooks.config.nodes import Loc, place
from bough.hooks.config.schema import HookShape
from bough.hooks.errors import Problem, did_you_mean, shown
from bough.hooks.events import git_hook_of_event, is_gate
from bough.hooks.graph import cycles
from bough.hooks.ordering import ordered
from bough.hooks.selecting import FILES
from bough.hooks.templates import faults, names_used


def check_names(layer: Layer) -> Iterator[Problem]:
    """Names that one file gives to two jobs of one list."""
    for section in ("hooks", "tasks"):
        for name, body in layer.data.get(section, {}).items():
            first: dict[Loc, str] = {}
            for entry in _entries(section, body):
                if "name" not in entry.body:
                    continue
                given = entry.body["name"]
                line, column = place(layer.root, (section, name, *entry.way, "name"))
                here = f"line {line}, column {column}"
                known = first.setdefault((*entry.way[:-1], given), here)
                if known != here:
                    message = f"two jobs are called `{shown(given)}`; the first at {known}"
                    yield Problem(path=layer.path, line=line, column=column, message=message)


def _entries(section: str, body: Body) -> tuple[Entry, ...]:
    return alone(body) if section == "tasks" and single_job(body) else entries(body)


def check_merged(config: Config, merged: Merged) -> Iterator[Problem]:
    """Everything that is wrong with the whole."""
    for rest, fault in derived_faults(config.env):
        yield merged.problem(("env", *rest), fault)
    for event, hook in config.hooks.items():
        yield from _check_hook(hook, event, ("hooks", event), merged)
        if is_gate(event):
            yield from _check_gate(hook, event, merged)
    for name, task in config.tasks.items():
        yield from _check_task_keys(name, merged)
        yield from _check_hook(task, None, ("tasks", name), merged)


def _check_hook(hook: Hook, event: str | None, way: Loc, merged: Merged) -> Iterator[Problem]:
    """One hook; `event` None stands for a task. Tasks and git's own hooks have arguments."""
    section, name = map(str, way)
    body = merged.data[section][name]
    found = _entries(section, body)
    declared = jobs_of(found)
    ways = [(*way, *entry.way) for entry in declared]
    if not found and way in merged.tracked and way not in merged.lost_jobs:
        yield merged.problem(way, f"`{shown(name)}` declares no jobs")
    arguments = event is None or git_hook_of_event(event) is not None
    yield from _faults(body, ("env",), way, merged, arguments)
    for group in found:
        if group.is_group:
            yield from _check_group(group, way, merged, arguments)
    yield from _check_given_names(hook, found, way, merged)
    for job, entry, at in zip(hook.jobs, declared, ways, strict=True):
        yield from _check_job(job, entry, at, merged, arguments)
    wrong = [*_check_needs(hook, found, way, merged), *_check_cycles(hook, ways, merged)]
    yield from wrong or _check_whole_order(hook, ways, merged)


def _check_group(group: Entry, way: Loc, merged: Merged, arguments: bool) -> Iterator[Problem]:
    at = (*way, *group.way)
    if not group.body["group"].get("jobs") and at not in merged.damaged_jobs:
        yield merged.problem((*at, "group"), "this group has no jobs")
    for key in group.body:
        if key in ("run", "script"):
            message = f"a job has one of `{key}` and `group`, and this one has both"
            yield merged.problem(at, message)
        elif key not in OF_A_GROUP:
            message = f"`{key}` means nothing for a group; write it at the jobs in it"
            yield merged.problem((*at, key), message)
    yield from _faults(group.body, ("root", "env"), at, merged, arguments)


def _check_given_names(
    hook: Hook, found: Sequence[Entry], way: Loc, merged: Merged
) -> Iterator[Problem]:
    """One name for one job or group of a hook, also those that jobs without one get."""
    named: dict[str, Entry] = {}
    for entry in found:
        if "name" in entry.body:
            other = named.setdefault(entry.body["name"], entry)
            if other.way[:-1] != entry.way[:-1]:
                message = f"another job of this hook is called `{shown(entry.body['name'])}`, too"
                yield merged.problem((*way, *entry.way, "name"), message)
    for job, entry in zip(hook.jobs, jobs_of(found), strict=True):
        if "name" not in entry.body and job.name in named:
            message = f"this job needs a `name`: another one is called `{job.name}`"
            yield merged.problem((*way, *entry.way), message)


def _check_job(
    job: Job, entry: Entry, at: Loc, merged: Merged, arguments: bool
) -> Iterator[Problem]:
    body = entry.body
    yield from _check_kind(job, body, at, merged)
    if not job.retry.max and "backoff" in body.get("retries", {}):
        yield merged.problem((*at, "retries"), "`backoff` waits for nothing: `max` is missing or 0")
    for key in ("os", "arch"):
        if body.get(key) and not entry.effective[key]:
            message = f"`{key}` allows nothing that the group around this job allows"
            yield merged.problem((*at, key), message)
    for system, command in job.run:
        for fault in faults(command, command=True, arguments=arguments):
            yield merged.problem((*at, "run", system), fault)
    yield from _faults(body, ("root", "env", "args"), at, merged, arguments)
    yield from _check_files(job, at, merged)


def _check_kind(job: Job, body: Body, at: Loc, merged: Merged) -> Iterator[Problem]:
    """A job runs one thing."""
    if job.script is not None:
        if "run" in body:
            yield merged.problem(at, "a job has one of `run` and `script`, and this one has both")
        return
    if at in merged.damaged_jobs:
        return
    if not job.run:
        message = f"`{shown(job.name)}` has nothing to run: it needs `run` or `script`"
        yield merged.problem(at, message)
    for key in ("runner", "args"):
        if key in body:
            yield merged.problem((*at, key), f"`{key}` belongs to a `script`, and there is none")


def _check_files(job: Job, at: Loc, merged: Merged) -> Iterator[Problem]:
    for fault in faults(job.files, command=True, arguments=False, lists=False):
        yield merged.problem((*at, "files"), fault)
    texts = [("run", command) for _, command in job.run]
    texts += [("args", arg) for arg in job.script.args] if job.script else []
    for key, text in texts:
        if not job.files and FILES in names_used(text, command=key == "run"):
            message = "`{files}` needs `files`, the command that prints them"
            yield merged.problem((*at, key), message)
    if job.stage_fixed and at[:2] != ("hooks", "pre-commit"):
        message = "`stage_fixed` works in `pre-commit` only"
        yield merged.problem((*at, "stage_fixed"), message)


def _faults(
    body: Body, keys: Iterable[str], at: Loc, merged: Merged, arguments: bool
) -> Iterator[Problem]:
    """What is wrong with the templates of values that no shell reads."""
    for key in keys:
        value = body.get(key, {})
        texts = _texts(value)
        for name, text in texts:
            for fault in faults(text, command=False, arguments=arguments, lists=key == "args"):
                yield merged.problem((*at, key, name), fault)


def _texts(value: Any) -> Iterable[tuple[str | int, str]]:
    match value:
        case dict():
            return value.items()
        case list():
            return enumerate(value)
        case _:
            return [("", value)]


def _check_needs(hook: Hook, found: Sequence[Entry], way: Loc, merged: Merged) -> Iterator[Problem]:
    """What is written as `needs`, at jobs and at groups."""
    names = {entry.way: job.name for entry, job in zip(jobs_of(found), hook.jobs, strict=True)}
    known: dict[str, Entry] = {}
    for entry in found:
        known.setdefault(entry.body.get("name", names.get(entry.way, "")), entry)
    known.pop("", None)
    for entry in found:
        for number, need in enumerate(entry.body.get("needs", ())):
            here = (*way, *entry.way, "needs", number)
            if need in known:
                yield from _check_need(hook, entry, need, known[need], here, merged)
            elif way not in merged.lost_jobs:
                near = did_you_mean(need, known)
                yield merged.problem(here, f"`needs` names no job here: `{shown(need)}`{near}")
    before = ordered(hook.mode, hook.jobs)
    for job, entry in zip(hook.jobs, jobs_of(found), strict=True):
        if job.when is When.FAILURE and not job.needs and not before[job.name].needs:
            message = "`when: failure` needs `needs`: it looks at the outcome of those"
            yield merged.problem((*way, *entry.way, "when"), message)


def _inside(outer: Entry, inner: Entry) -> bool:
    return any(group.way == outer.way for group in inner.groups)


def _check_need(
    hook: Hook, entry: Entry, name: str, need: Entry, here: Loc, merged: Merged
) -> Iterator[Problem]:
    common = [a for a, b in zip(entry.groups, need.groups, strict=False) if a.way == b.way]
    mode = mode_of(common[-1].body["group"]) if common else hook.mode
    if need is entry:
        yield merged.problem(here, f"`{shown(name)}` needs itself")
    elif _inside(entry, need) or _inside(need, entry):
        yield merged.problem(here, f"`{shown(name)}` cannot be waited for: one is in the other")
    elif mode is not Mode.PARALLEL and need.way > entry.way:
        where = "group" if common else "hook"
        message = f"`{shown(name)}` comes later, and the jobs of a {mode} {where} go in order"
        yield merged.problem(here, message)


def _check_cycles(hook: Hook, ways: list[Loc], merged: Merged) -> Iterator[Problem]:
    at = {job.name: way for job, way in zip(hook.jobs, ways, strict=True)}
    for cycle in cycles({job.name: job.needs for job in hook.jobs}):
        path = " → ".join(map(shown, cycle))
        yield merged.problem((*at[cycle[0]], "needs"), f"`needs` goes in a circle: {path}")


def _check_whole_order(hook: Hook, ways: list[Loc], merged: Merged) -> Iterator[Problem]:
    """Circles that needs make together with the order of jobs and groups."""
    before = ordered(hook.mode, hook.jobs)
    at = {job.name: way for job, way in zip(hook.jobs, ways, strict=True)}
    for cycle in cycles({job.name: [*job.needs, *before[job.name].names] for job in hook.jobs}):
        path = " → ".join(map(shown, cycle))
        message = f"`needs` and the order of the jobs make a circle: {path}"
        yield merged.problem((*at[cycle[0]], "needs"), message)


def _check_gate(hook: Hook, event: str, merged: Merged) -> Iterator[Problem]:
    """A gate cannot wait for what nobody waits for."""
    message = f"`{event}` waits for its jobs, so none of them can be in the background"
    declared = jobs_of(entries(merged.data["hooks"][event]))
    for job, entry in zip(hook.jobs, declared, strict=True):
        if job.background:
            written = [e.way for e in (*entry.groups, entry) if "background" in e.body]
            at = written[-1] if written else ()
            yield merged.problem(("hooks", event, *at, "background"), message)


def _check_task_keys(name: str, merged: Merged) -> Iterator[Problem]:
    """Two files may disagree about whether a task is one job or several."""
    body = merged.data["tasks"][name]
    if not single_job(body):
        for key in body:
            if key not in HookShape.model_fields:
                message = f"`{key}` is a key of a job, and the task `{shown(name)}` has `jobs`"
                yield merged.problem(("tasks", name, key), message)
