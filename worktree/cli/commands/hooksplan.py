"""What an event would do: `bough hooks run --dry-run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bough.coordinator.errors import NotFound, UsageError
from bough.coordinator.model import NewJob, Owner, When
from bough.hooks.config.load import load
from bough.hooks.config.model import Hook
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import did_you_mean, shown
from bough.hooks.events import EVENTS, TASK_PREFIX
from bough.hooks.firing import Occasion
from bough.hooks.rehearsal import Rehearsal
from bough.hooks.skipping import Choice
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.terminal import say
from bough.worktree.workshop import Workshop, here

_CONDITIONAL = {When.FAILURE: "if one of these fails", When.ALWAYS: "whatever becomes of these"}


def occasion_of(shop: Workshop, event: str, arguments: Sequence[str]) -> Occasion:
    """The event as it would be fired in the worktree at hand; an error if nothing is declared."""
    entry = here(shop)
    config = load(FolderReader(entry.path))
    if event not in EVENTS and not event.startswith(TASK_PREFIX):
        raise UsageError(f"there is no event {shown(event)!r}{did_you_mean(event, EVENTS)}")
    hook = config.for_event(event) if config is not None else None
    if config is None or hook is None:
        raise NotFound(f"nothing is declared for {shown(event)} in this worktree")
    return Occasion(
        event=event, site=shop.site(entry), config=config, hook=hook, args=tuple(arguments)
    )


def choice_of(hook: Hook, event: str, jobs: Sequence[str], tags: Sequence[str]) -> Choice:
    """What `--job` and `--tag` name, which must be there."""
    names = [job.name for job in hook.jobs]
    known_tags = [tag for job in hook.jobs for tag in job.tags]
    for what, wanted, known in (("job", jobs, names), ("tag", tags, known_tags)):
        for word in wanted:
            if word not in known:
                near = did_you_mean(word, known)
                raise NotFound(f"{shown(event)} has no {what} {shown(word)!r}{near}")
    return Choice(jobs=tuple(jobs), tags=tuple(tags))


def tell_plan(event: str, rehearsal: Rehearsal, format_: Format) -> None:
    """Show what would run, in order, and what would not and why."""
    for warning in rehearsal.warnings:
        say(f"bough: {warning}")
    if format_ is not Format.TABLE:
        columns = ("name", "runs", "background", "after", "when", "command", "reason")
        jobs = (*rehearsal.running, *rehearsal.skipped)
        write([_row(job, rehearsal) for job in jobs], columns, format_)
        return
    if not rehearsal.running:
        say(f"nothing would run for {shown(event)}")
    lines = [
        [str(number), *_cells(job, rehearsal)] for number, job in enumerate(rehearsal.running, 1)
    ]
    lines += [["-", *_cells(job, rehearsal)] for job in rehearsal.skipped]
    write_table(("", "job", "where", "after", "command"), lines)


def _row(job: NewJob, rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "name": job.spec.name,
        "runs": job.skip is None,
        "background": job.owner is Owner.BACKGROUND,
        "after": list(rehearsal.edges[job.spec.name]),
        "when": job.spec.when.value,
        "command": job.spec.command_text,
        "reason": job.reason or None,
    }


def _cells(job: NewJob, rehearsal: Rehearsal) -> list[str]:
    name = shown(job.spec.name)
    after = ", ".join(map(shown, rehearsal.edges[job.spec.name]))
    if job.skip is not None:
        return [name, "skipped", after, shown(job.reason)]
    if after and job.spec.when in _CONDITIONAL:
        after += f" ({_CONDITIONAL[job.spec.when]})"
    return [name, job.owner.value, after, shown(job.spec.command_text)]
