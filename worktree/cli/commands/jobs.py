"""`bough jobs`: what ran, what runs, what it printed, and how to stop it."""

from __future__ import annotations

from typing import Annotated

import typer

from bough.coordinator import clock, control
from bough.coordinator.errors import Exit, UsageError
from bough.coordinator.model import ACTIVE, Job, Status
from bough.coordinator.reconcile import truthful
from bough.coordinator.store import history, schemas
from bough.coordinator.store.history import Filter
from bough.hooks.durations import parse_duration_ms
from bough.hooks.errors import shown
from bough.worktree.cli.commands.joblocks import locks
from bough.worktree.cli.commands.joblogs import logs
from bough.worktree.cli.commands.jobshow import show
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.jobstore import COLUMNS, JobStore, as_data, open_store, took_ms
from bough.worktree.cli.options import ADDRESS_HELP, DryRun, OutputFormat
from bough.worktree.cli.terminal import age, duration, say

app = typer.Typer(help="List jobs; show one, read its log, cancel.", invoke_without_command=True)
app.command("show")(show)
app.command("logs")(logs)
app.command("locks")(locks)

All = Annotated[bool, typer.Option("--all", help="Of all worktrees, not only this one.")]
Hook = Annotated[str | None, typer.Option("--hook", metavar="EVENT", help="Of this event.")]
Worktree = Annotated[
    str | None, typer.Option("--worktree", metavar="W", help="Of this worktree (name or branch).")
]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag.")]
Inv = Annotated[
    str | None, typer.Option("--inv", metavar="PREFIX", help="Of the invocation with this prefix.")
]
StatusOption = Annotated[Status | None, typer.Option("--status", help="In this state.")]
Failed = Annotated[
    bool, typer.Option("--failed", help="That failed, timed out, crashed or were cancelled.")
]
Last = Annotated[bool, typer.Option("--last", help="Of the latest invocation only.")]
Limit = Annotated[
    int,
    typer.Option(
        "--limit", metavar="N", min=1, max=history.MOST_PER_PAGE, help="At most this many."
    ),
]
Before = Annotated[
    int | None, typer.Option("--before", metavar="ID", help="The page that ends before this id.")
]


@app.callback()
def jobs(
    context: typer.Context,
    all_: All = False,
    hook: Hook = None,
    worktree: Worktree = None,
    status: StatusOption = None,
    tag: Tag = None,
    inv: Inv = None,
    failed: Failed = False,
    last: Last = False,
    limit: Limit = history.DEFAULT_PER_PAGE,
    before: Before = None,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """List jobs, newest first.

    Those of this worktree, or of the repository if it has none.
    """
    verb = context.invoked_subcommand
    if verb is None:
        return list_jobs(
            context, all_, hook, worktree, status, tag, inv, failed, last, limit, before, format_
        )
    chosen = (all_, hook, worktree, status, tag, inv, failed, last, before)
    if any(chosen) or limit != history.DEFAULT_PER_PAGE or format_ is not Format.TABLE:
        raise UsageError(f"options go after the verb: bough jobs {verb} …")
    return Exit.OK


@app.command("list")
def list_jobs(
    context: typer.Context,
    all_: All = False,
    hook: Hook = None,
    worktree: Worktree = None,
    status: StatusOption = None,
    tag: Tag = None,
    inv: Inv = None,
    failed: Failed = False,
    last: Last = False,
    limit: Limit = history.DEFAULT_PER_PAGE,
    before: Before = None,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """List jobs, newest first.

    Those of this worktree, or of the repository if it has none.
    """
    wanted = Filter(
        event=hook, worktree=worktree, status=status, tag=tag, invocation=inv, failed=failed
    )
    with open_store(context, format_) as store:
        page = _page(store, wanted, everywhere=all_, last=last, limit=limit, before=before)
        rows = truthful(store.places, page.jobs)
        if format_ is Format.TABLE:
            _draw(rows)
            if not rows:
                say("no such jobs" if wanted != Filter() else "no jobs here yet")
        else:
            write([as_data(job, store.places) for job in rows], COLUMNS, format_)
    if page.next is not None:
        say(f"more: --before {page.next}")
    return Exit.OK


def _page(
    store: JobStore,
    wanted: Filter,
    *,
    everywhere: bool,
    last: bool,
    limit: int,
    before: int | None,
) -> history.Page:
    if store.connection is None:
        return history.Page(jobs=(), next=None)
    narrowed = wanted if everywhere or wanted.worktree else _here(store, wanted)
    if last:
        newest = history.page(store.connection, narrowed, limit=1).jobs
        if not newest:
            return history.Page(jobs=(), next=None)
        narrowed = history.narrowed(narrowed, invocation=newest[0].invocation)
    return history.page(store.connection, narrowed, limit=limit, before=before)


def _here(store: JobStore, wanted: Filter) -> Filter:
    """Only the current worktree's jobs, unless it has none at all."""
    only = Filter(worktree_path=store.here)
    if store.here is None or not history.page(store.required(), only, limit=1).jobs:
        return wanted
    return history.narrowed(wanted, worktree_path=store.here)


def _draw(rows: tuple[Job, ...]) -> None:
    now = clock.now_ms()
    lines = []
    for job in rows:
        taken = took_ms(job)
        if taken is None and job.started_at is not None and job.status in ACTIVE:
            taken = now - job.started_at
        attempt = f"#{job.attempt}" if job.attempt > 1 else ""
        lines.append(
            [
                f"{job.invocation[:6]}:{shown(job.name)}{attempt}",
                _word(job),
                duration(taken),
                age(now - job.queued_at),
                shown(job.event),
                shown(job.branch or job.worktree_name),
                shown(job.reason),
            ]
        )
    write_table(("job", "status", "took", "age", "event", "branch", "reason"), lines)


@app.command("cancel")
def cancel(
    context: typer.Context,
    address: Annotated[str | None, typer.Argument(metavar="ADDRESS", help=ADDRESS_HELP)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every job that has not ended.")] = False,
    hook: Hook = None,
    worktree: Worktree = None,
    tag: Tag = None,
    inv: Inv = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Queued longer ago: 10m, 2h.")
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """Stop jobs, and wait until they have stopped.

    Their processes get TERM and, after a grace, KILL.
    """
    wanted = Filter(
        event=hook,
        worktree=worktree,
        tag=tag,
        invocation=inv,
        older_than_s=None if older_than is None else _seconds(older_than),
    )
    if all_ and (address is not None or wanted != Filter()):
        raise UsageError("--all means every job; leave it out to mean fewer")
    if address is None and not all_ and wanted == Filter():
        raise UsageError(
            "nothing says which jobs to cancel",
            hint="Name one (bough jobs cancel JOB), filter (--hook, --worktree, --tag, --inv, "
            "--older-than), or say --all.",
        )
    with open_store(context) as store:
        targets = _targets(store, address, wanted)
        living = tuple(job for job in targets if not job.status.terminal)
        for job in targets:
            if job not in living:
                say(f"{shown(job.address)} has ended already: {_word(job)}")
            elif dry_run:
                say(f"would cancel {shown(job.address)} ({_word(job)})")
        if not targets:
            say("nothing to cancel")
        if dry_run or not living:
            return Exit.OK
        writer = schemas.write_repository(store.places)
        try:
            ended = control.cancel(store.places, writer, living)
        finally:
            writer.close()
    for job in ended:
        say(f"{shown(job.address)}: {_word(job)}")
    return Exit.OK


def _targets(store: JobStore, address: str | None, wanted: Filter) -> tuple[Job, ...]:
    if address is not None:
        found = store.find(address, alive=True)
        return (found,) if history.matches(store.required(), found, wanted) else ()
    if store.connection is None:
        return ()
    return history.active(store.connection, wanted)


def _word(job: Job) -> str:
    return job.status.replace("_", " ")


def _seconds(text: str) -> int:
    try:
        return parse_duration_ms(text) // 1000
    except ValueError as error:
        raise UsageError(f"--older-than: {error}", hint="For example: 10m, 2h, 1d.") from error
