"""What `--dry-run` says about the events around an operation."""

from __future__ import annotations

from collections.abc import Sequence

from bough.coordinator.model import NewJob, Owner
from bough.hooks.errors import shown
from bough.worktree.cli.terminal import say
from bough.worktree.workshop import Foreseen


def tell_foreseen(events: Sequence[Foreseen], execute: str | None = None) -> None:
    """Say which jobs would run, which would not and why, and what `-x` would run after them."""
    for foreseen in events:
        rehearsal = foreseen.rehearsal
        names = ", ".join(map(_named, rehearsal.running)) or "nothing"
        consent = "" if foreseen.trusted or not rehearsal.running else ", once it is trusted"
        say(f"would run for {foreseen.event}: {names}{consent}")
        for job in rehearsal.skipped:
            say(f"  not {shown(job.spec.name)}: {shown(job.reason)}")
    if execute is not None:
        say(f"would then run: {shown(execute)}")


def _named(job: NewJob) -> str:
    where = " (in the background)" if job.owner is Owner.BACKGROUND else ""
    return f"{shown(job.spec.name)}{where}"
