"""What must hold of the merged configuration beyond the shape of its files.

Pure: values in, problems out, each at the last definition of what it is about. Nobody is told of
what is missing only because it could not be read: that is reported already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bough.coordinator.model import When
from bough.hooks.config.build import single_job
from bough.hooks.config.merge import Layer, Merged
from bough.hooks.config.model import Config, Hook, Job, Mode
from bough.hooks.config.nodes import Loc, place
from bough.hooks.config.schema import HookShape
from bough.hooks.errors import Problem, did_you_mean, shown
from bough.hooks.events import git_hook_of_event, is_gate
from bough.hooks.graph import cycles
from bough.hooks.templates import faults


def check_names(layer: Layer) -> Iterator[Problem]:
    """Names that one file gives to two jobs of one hook."""
    for section in ("hooks", "tasks"):
        for name, body in layer.data.get(section, {}).items():
            first: dict[str, str] = {}
            for index, job in enumerate(body.get("jobs", ())):
                if "name" not in job:
                    continue
                line, column = place(layer.root, (section, name, "jobs", index, "name"))
                known = first.setdefault(job["name"], f"line {line}, column {column}")
                if known != f"line {line}, column {column}":
                    message = f"two jobs are called `{shown(job['name'])}`; the first at {known}"
                    yield Problem(path=layer.path, line=line, column=column, message=message)


def check_merged(config: Config, merged: Merged) -> Iterator[Problem]:
    """Everything that is wrong with the whole."""
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
    single = section == "tasks" and single_job(body)
    ways = [way if single else (*way, "jobs", index) for index in range(len(hook.jobs))]
    if not hook.jobs and way in merged.tracked and way not in merged.lost_jobs:
        yield merged.problem(way, f"`{shown(name)}` declares no jobs")
    arguments = event is None or git_hook_of_event(event) is not None
    for variable, value in hook.env:
        for fault in faults(value, command=False, arguments=arguments):
            yield merged.problem((*way, "env", variable), fault)
    bodies = [body] if single else body.get("jobs", [])
    if not single:
        yield from _check_given_names(hook, bodies, ways, merged)
    for index, (job, at) in enumerate(zip(hook.jobs, ways, strict=True)):
        yield from _check_job(job, bodies[index], at, merged, arguments)
        yield from _check_needs(hook, index, at, way, merged)
    yield from _check_cycles(hook, ways, merged)


def _check_given_names(
    hook: Hook, bodies: list[dict[str, Any]], ways: list[Loc], merged: Merged
) -> Iterator[Problem]:
    """The name that a job without one gets must not be another's."""
    named = {job.name for job, body in zip(hook.jobs, bodies, strict=True) if "name" in body}
    for job, body, at in zip(hook.jobs, bodies, ways, strict=True):
        if "name" not in body and job.name in named:
            message = f"this job needs a `name`: another one is called `{job.name}`"
            yield merged.problem(at, message)


def _check_job(
    job: Job, body: Mapping[str, Any], at: Loc, merged: Merged, arguments: bool
) -> Iterator[Problem]:
    if not job.run and at not in merged.damaged_jobs:
        yield merged.problem(at, f"`{shown(job.name)}` has nothing to run: it needs `run`")
    if not job.retry.max and "backoff" in body.get("retries", {}):
        yield merged.problem((*at, "retries"), "`backoff` waits for nothing: `max` is missing or 0")
    for system, command in job.run:
        for fault in faults(command, command=True, arguments=arguments):
            yield merged.problem((*at, "run", system), fault)
    for fault in faults(job.root, command=False, arguments=arguments):
        yield merged.problem((*at, "root"), fault)
    for name, value in job.env:
        for fault in faults(value, command=False, arguments=arguments):
            yield merged.problem((*at, "env", name), fault)


def _check_needs(hook: Hook, index: int, at: Loc, way: Loc, merged: Merged) -> Iterator[Problem]:
    job = hook.jobs[index]
    ordinals = {other.name: ordinal for ordinal, other in enumerate(hook.jobs)}
    follows = hook.mode is Mode.PIPED and index > 0
    if job.when is When.FAILURE and not job.needs and not follows:
        message = "`when: failure` needs `needs`: it looks at the outcome of those"
        yield merged.problem((*at, "when"), message)
    for number, need in enumerate(job.needs):
        here = (*at, "needs", number)
        if need == job.name:
            yield merged.problem(here, f"`{shown(need)}` needs itself")
        elif need not in ordinals:
            if way not in merged.lost_jobs:
                near = did_you_mean(need, ordinals)
                yield merged.problem(here, f"`needs` names no job here: `{shown(need)}`{near}")
        elif hook.mode is not Mode.PARALLEL and ordinals[need] > index:
            message = f"`{shown(need)}` comes later, and the jobs of a {hook.mode} hook go in order"
            yield merged.problem(here, message)


def _check_cycles(hook: Hook, ways: list[Loc], merged: Merged) -> Iterator[Problem]:
    ordinals = {job.name: ordinal for ordinal, job in enumerate(hook.jobs)}
    for cycle in cycles({job.name: job.needs for job in hook.jobs}):
        path = " → ".join(map(shown, cycle))
        at = (*ways[ordinals[cycle[0]]], "needs")
        yield merged.problem(at, f"`needs` goes in a circle: {path}")


def _check_gate(hook: Hook, event: str, merged: Merged) -> Iterator[Problem]:
    """A gate cannot wait for what nobody waits for."""
    message = f"`{event}` waits for its jobs, so none of them can be in the background"
    body = merged.data["hooks"][event]
    for index, job in enumerate(hook.jobs):
        if job.background:
            own = "background" in body["jobs"][index]
            inherited: Loc = ("hooks", event, "background")
            at: Loc = ("hooks", event, "jobs", index, "background")
            yield merged.problem(at if own else inherited, message)


def _check_task_keys(name: str, merged: Merged) -> Iterator[Problem]:
    """Two files may disagree about whether a task is one job or several."""
    body = merged.data["tasks"][name]
    if not single_job(body):
        for key in body:
            if key not in HookShape.model_fields:
                message = f"`{key}` is a key of a job, and the task `{shown(name)}` has `jobs`"
                yield merged.problem(("tasks", name, key), message)
