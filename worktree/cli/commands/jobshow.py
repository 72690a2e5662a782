"""`bough jobs show ADDR`: everything that is known about one job."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bough.coordinator import clock
from bough.coordinator.errors import Exit
from bough.coordinator.model import Job, Output
from bough.coordinator.reconcile import truthful
from bough.coordinator.store import history
from bough.hooks.errors import shown
from bough.worktree.cli.formats import Format, write
from bough.worktree.cli.jobstore import COLUMNS, JobStore, as_data, open_store, took_ms
from bough.worktree.cli.options import ADDRESS_HELP, OutputFormat
from bough.worktree.cli.terminal import duration, style_for, tell


def show(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help=ADDRESS_HELP)],
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Show everything that is known about one job."""
    with open_store(context, format_) as store:
        job = truthful(store.places, [store.find(address)])[0]
        data = _details(store, job)
    if format_ is Format.TABLE:
        _draw(job, data)
    else:
        write([data], (*COLUMNS, "env", "needs", "events"), format_)
    return Exit.OK


def _details(store: JobStore, job: Job) -> dict[str, Any]:
    events = history.events(store.required(), job.id)
    return {
        **as_data(job, store.places),
        "cwd": job.spec.cwd,
        "env": dict(job.spec.env),
        "needs": list(job.spec.needs),
        "when": job.spec.when.value,
        "timeout_ms": job.spec.timeout_ms,
        "announced": job.spec.output is Output.LOG,
        "events": [
            {
                "at": clock.iso(event.at),
                "from": event.before.value if event.before else None,
                "to": event.after.value,
                "reason": event.reason or None,
                "by": event.by,
            }
            for event in events
        ],
    }


def _draw(job: Job, data: dict[str, Any]) -> None:
    import sys

    style = style_for(sys.stdout)
    state = job.status.replace("_", " ") + (f": {shown(job.reason)}" if job.reason else "")
    tell(f"{style.bold}{job.address}{style.reset}  {state}")
    facts = {
        "event": f"{shown(job.event)} in {shown(job.worktree_path)}",
        "branch": shown(job.branch),
        "fired by": shown(job.command),
        "command": job.spec.command_text,
        "folder": shown(job.spec.cwd),
        "needs": ", ".join(map(shown, job.spec.needs)),
        "owner": job.owner.value,
        "queued": data["queued_at"],
        "started": data["started_at"],
        "finished": data["finished_at"],
        "took": duration(took_ms(job)) if took_ms(job) is not None else "",
        "log": data["log_path"],
    }
    for name, value in facts.items():
        if value:
            tell(f"  {name:>9}  " + "\n             ".join(str(value).splitlines()))
    for event in data["events"]:
        words = f"{event['from'] or '·'} → {event['to']}" + (
            f" ({shown(event['reason'])})" if event["reason"] else ""
        )
        tell(
            f"  {style.dim}{event['at']}{style.reset}  {words}  {style.dim}by {event['by']}"
            f"{style.reset}"
        )
