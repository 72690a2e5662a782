"""`bough hooks`: the shims among git's hooks, and the configuration that they serve."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import Annotated

import typer

from bough.coordinator.errors import Exit, NotFound, UsageError
from bough.hooks import shims
from bough.hooks.config.load import load
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import JobFailedError, shown
from bough.hooks.firing import fire
from bough.hooks.happenings import Selected
from bough.hooks.rehearsal import rehearse
from bough.hooks.repository import discover
from bough.hooks.shims import Report, State
from bough.worktree.cli.commands.hooksconfig import dump, schema
from bough.worktree.cli.commands.hooksgraph import graph
from bough.worktree.cli.commands.hooksplan import choice_of, occasion_of, tell_plan
from bough.worktree.cli.context import globals_of, start_folder
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.narration import Narrator
from bough.worktree.cli.options import DryRun, HookMode, Hooks, OutputFormat, SkipHooks
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import say, tell
from bough.worktree.workshop import Interrupted, told_failures

app = typer.Typer(help="Serve git's hooks, fire events by hand, check bough.yml.")
app.command("schema")(schema)
app.command("dump")(dump)
app.command("graph")(graph)


def own_command() -> str:
    """The absolute path of the `bough` that runs, for shims that find no other."""
    beside = os.path.join(os.path.dirname(sys.executable), "bough")
    started = os.path.abspath(sys.argv[0])
    for candidate in (started, beside):
        if os.path.basename(candidate) == "bough" and os.access(candidate, os.X_OK):
            return candidate
    return shutil.which("bough") or beside


@app.command("install")
def install(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that other repositories share.")
    ] = False,
) -> int:
    """Write shims among git's hooks; those that were there still run."""
    report = shims.install(discover(start_folder(context)), command=own_command(), force=force)
    _tell(report)
    return Exit.OK


@app.command("uninstall")
def uninstall(context: typer.Context) -> int:
    """Take the shims away and put back what was there."""
    _tell(shims.uninstall(discover(start_folder(context))))
    return Exit.OK


def _tell(report: Report) -> None:
    said = False
    for done, events in (
        ("wrote", report.written),
        ("chained what was there:", report.chained),
        ("removed", report.removed),
        ("put back", report.restored),
    ):
        if events:
            say(f"{done} {', '.join(events)}")
            said = True
    if not said:
        say(f"nothing to do in {report.folder}")
    for note in report.notes:
        say(note)


@app.command("status")
def status(context: typer.Context, format_: OutputFormat = Format.TABLE) -> int:
    """Show what stands at the place of each of git's hooks."""
    states = shims.status(discover(start_folder(context)), command=own_command())
    columns = ("event", "state", "chained", "path")
    if format_ is Format.TABLE:
        write_table(
            columns,
            [[s.event, s.state.value, "yes" if s.chained else "", s.path] for s in states],
        )
        if any(s.state is not State.INSTALLED for s in states):
            say("bough hooks install   puts the shims in place")
        say(
            "plain `git worktree remove`, `move` and `prune` fire no hook of git's, so no pre-event"
            " can gate them"
        )
    else:
        rows = [
            {"event": s.event, "state": s.state.value, "chained": s.chained, "path": s.path}
            for s in states
        ]
        write(rows, columns, format_)
    return Exit.OK


@app.command("run")
def run(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event of bough.yml.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARG", help="What git would pass.")
    ] = None,
    skip_hooks: SkipHooks = None,
    hooks: Hooks = HookMode.AUTO,
    job: Annotated[
        list[str] | None,
        typer.Option("--job", metavar="JOB", help="Only this job and what it needs (repeatable)."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only jobs with this tag and what they need."),
    ] = None,
    dry_run: DryRun = False,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Fire an event by hand, here. Typing it is the consent for this run."""
    if format_ is not Format.TABLE and not dry_run:
        raise UsageError("--format is for what --dry-run lists")
    narrator = Narrator(globals_of(context).volume, typed=True)
    shop = open_session(
        context,
        skip_hooks=skip_hooks or (),
        hooks=hooks,
        typed_consent=True,
        narrator=narrator,
    )
    occasion = occasion_of(shop, event, arguments or ())
    terms = replace(shop.terms, choice=choice_of(occasion.hook, event, job or (), tag or ()))
    if terms.off:
        say("nothing ran: hooks are switched off (--hooks off, BOUGH=0 or bough.hooks.enabled)")
        return Exit.OK
    if dry_run:
        rehearsal = rehearse(shop.ground, terms, occasion)
        narrator(Selected(unmatched=frozenset(rehearsal.unmatched)))
        tell_plan(event, rehearsal, format_)
        return Exit.OK
    fired = fire(shop.ground, terms, occasion)
    if fired.interrupted:
        raise Interrupted("interrupted")
    if fired.aborts:
        raise JobFailedError(
            told_failures(fired), hint=f"bough jobs logs {fired.failed[0].address}"
        )
    return Exit.OK


@app.command("validate")
def validate(context: typer.Context) -> int:
    """Check bough.yml and list every problem with its place."""
    repo = discover(start_folder(context))
    config = load(FolderReader(repo.top or start_folder(context)))
    if config is None:
        raise NotFound("there is no bough.yml here", hint="bough demo   shows one.")
    names = ", ".join(shown(source.path) for source in config.sources)
    tell(f"{names}: valid")
    return Exit.OK
