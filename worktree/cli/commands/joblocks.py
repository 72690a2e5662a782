"""`bough jobs locks`: who holds which lock, and who waits for it."""

from __future__ import annotations

import typer

from bough.coordinator.errors import Exit
from bough.coordinator.store import locks as store
from bough.hooks.errors import shown
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.jobstore import open_store
from bough.worktree.cli.options import OutputFormat

_COLUMNS = ("lock", "mode", "state", "job", "job_id")


def locks(context: typer.Context, format_: OutputFormat = Format.TABLE) -> int:
    """List the locks of this repository: holders first, then waiters in their order."""
    with open_store(context) as opened:
        claims = store.claims(opened.connection) if opened.connection is not None else ()
    claims = tuple(sorted(claims, key=lambda claim: (claim.name, not claim.held, claim.turn)))
    if format_ is Format.TABLE:
        lines = [
            [shown(c.name), c.mode.value, "held" if c.held else "waiting", shown(c.job)]
            for c in claims
        ]
        write_table(_COLUMNS[:4], lines)
        return Exit.OK
    rows = [
        {
            "lock": claim.name,
            "mode": claim.mode.value,
            "state": "held" if claim.held else "waiting",
            "job": claim.job,
            "job_id": claim.job_id,
        }
        for claim in claims
    ]
    write(rows, _COLUMNS, format_)
    return Exit.OK
