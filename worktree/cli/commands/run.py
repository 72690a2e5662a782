"""`bough run [TASK] [ARGS…]`: a task of bough.yml, in the worktree at hand."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Annotated

import typer

from bough.coordinator.errors import Exit, NotFound, UsageError
from bough.coordinator.model import Status
from bough.hooks.config.load import load
from bough.hooks.config.model import Config, Hook
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import JobFailedError, did_you_mean, shown
from bough.hooks.events import TASK_PREFIX, FailMode
from bough.hooks.firing import Fired, Occasion, fire
from bough.worktree.cli.context import globals_of
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.narration import Narrator
from bough.worktree.cli.options import OutputFormat, SkipHooks
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import say
from bough.worktree.workshop import Interrupted, here, told_failures

_READER_GONE = 128 + signal.SIGPIPE


def run(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(metavar="TASK", help="The task; none lists them.")
    ] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARG", help="What {0}, {1}, … stand for.")
    ] = None,
    skip_hooks: SkipHooks = None,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Run a task from bough.yml; without one, list them.

    A task of one job passes its output and its exit code through.
    """
    narrator = Narrator(globals_of(context).volume, typed=True)
    shop = open_session(context, skip_hooks=skip_hooks or (), typed_consent=True, narrator=narrator)
    entry = here(shop)
    config = load(FolderReader(entry.path))
    if task is None:
        return _list(config, format_)
    if format_ is not Format.TABLE:
        raise UsageError(
            "--format is for the list of tasks",
            hint="What the task is to get goes after its name: bough run TASK --format …",
        )
    hook = _task(config, task)
    single = len(hook.jobs) == 1 and not hook.jobs[0].background
    if single:
        narrator.pass_through()
    assert config is not None, "a configuration without tasks has no task"
    occasion = Occasion(
        event=f"{TASK_PREFIX}{task}",
        site=shop.site(entry),
        config=config,
        hook=hook,
        args=_forwarded(arguments or []),
    )
    # BOUGH=0 is about events; a task is what the person asks for here.
    fired = fire(shop.ground, replace(shop.terms, off=False), occasion)
    return _READER_GONE if narrator.reader_gone else _status(fired, single=single)


def _forwarded(arguments: list[str]) -> tuple[str, ...]:
    """The task's own; the first `--` only says that nothing behind it is bough's."""
    return tuple(arguments[1:] if arguments[:1] == ["--"] else arguments)


def _task(config: Config | None, task: str) -> Hook:
    tasks = config.tasks if config is not None else {}
    if task not in tasks:
        raise NotFound(
            f"there is no task {shown(task)!r}{did_you_mean(task, tasks)}",
            hint="bough run   lists the tasks.",
        )
    return tasks[task]


def _about(task: Hook) -> str:
    return task.jobs[0].description if len(task.jobs) == 1 else ""


def _list(config: Config | None, format_: Format) -> int:
    tasks = config.tasks if config is not None else {}
    about = {name: _about(task) for name, task in tasks.items()}
    if format_ is not Format.TABLE:
        rows = [
            {
                "name": name,
                "description": about[name] or None,
                "jobs": [job.name for job in task.jobs],
            }
            for name, task in tasks.items()
        ]
        write(rows, ("name", "description", "jobs"), format_)
        return Exit.OK
    if not tasks:
        say("there are no tasks here; `tasks:` in bough.yml declares them")
        return Exit.OK
    write_table(
        ("task", "about"),
        [
            [shown(name), shown(about[name] or ", ".join(job.name for job in task.jobs))]
            for name, task in tasks.items()
        ],
    )
    return Exit.OK


def _status(fired: Fired, *, single: bool) -> int:
    if fired.interrupted:
        raise Interrupted("interrupted")
    if not fired.failed:
        return Exit.OK
    job = fired.failed[0]
    if single and job.status is Status.FAILED:
        if job.signal is not None:
            return 128 + job.signal
        if job.exit_code is not None:
            if job.reason != f"exit code {job.exit_code}":
                say(f"bough: {shown(job.name)}: {job.reason}")
            return job.exit_code
    if fired.mode is FailMode.WARN:
        return Exit.OK
    raise JobFailedError(told_failures(fired), hint=f"bough jobs logs {job.address}")
