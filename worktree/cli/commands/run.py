"""`bough run [TASK] [ARGS…]`: a task of bough.yml, in the worktree at hand."""

from __future__ import annotations

from typing import Annotated

import typer

from bough.coordinator.errors import Exit, NotFound
from bough.hooks.config.load import load
from bough.hooks.config.model import Config, Hook
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import JobFailedError, did_you_mean, shown
from bough.hooks.events import TASK_PREFIX, FailMode
from bough.hooks.firing import Fired, Occasion, fire
from bough.worktree.cli.narration import Narrator
from bough.worktree.cli.options import SkipHooks
from bough.worktree.cli.session import globals_of, open_session
from bough.worktree.cli.terminal import tell
from bough.worktree.workshop import Interrupted, here, told_failures


def run(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="The task; none lists them.")] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="What {0}, {1}, … stand for.")
    ] = None,
    skip_hooks: SkipHooks = None,
) -> int:
    """Run a task from bough.yml. A task of one job passes its output and exit code through."""
    narrator = Narrator(globals_of(context).volume)
    shop = open_session(context, skip_hooks=skip_hooks or (), typed_consent=True, narrator=narrator)
    entry = here(shop)
    config = load(FolderReader(entry.path))
    if task is None:
        return _list(config)
    hook = _task(config, task)
    single = len(hook.jobs) == 1
    if single:
        narrator.pass_through()
    assert config is not None, "a configuration without tasks has no task"
    occasion = Occasion(
        event=f"{TASK_PREFIX}{task}",
        site=shop.site(entry),
        config=config,
        hook=hook,
        args=tuple(arguments or ()),
    )
    return _status(fire(shop.ground, shop.terms, occasion), single=single)


def _task(config: Config | None, task: str) -> Hook:
    tasks = config.tasks if config is not None else {}
    if task not in tasks:
        raise NotFound(
            f"there is no task {shown(task)!r}{did_you_mean(task, tasks)}",
            hint="bough run   lists the tasks.",
        )
    return tasks[task]


def _list(config: Config | None) -> int:
    for name, hook in (config.tasks if config is not None else {}).items():
        about = hook.jobs[0].description if len(hook.jobs) == 1 else ""
        tell(f"{shown(name)}\t{shown(about)}" if about else shown(name))
    return Exit.OK


def _status(fired: Fired, *, single: bool) -> int:
    if fired.interrupted:
        raise Interrupted("interrupted")
    if not fired.failed:
        return Exit.OK
    job = fired.failed[0]
    if single and job.exit_code is not None:
        return job.exit_code
    if single and job.signal is not None:
        return 128 + job.signal
    if fired.mode is FailMode.WARN:
        return Exit.OK
    raise JobFailedError(told_failures(fired), hint=f"bough jobs logs {job.address}")
