"""`bough hooks graph EVENT`: what waits for what, and which chain of jobs takes longest."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer

from bough.coordinator.errors import Exit
from bough.coordinator.model import NewJob, Owner, When
from bough.coordinator.store import durations, schemas
from bough.hooks.errors import shown
from bough.hooks.graph import critical_path, last_before
from bough.hooks.rehearsal import Rehearsal, rehearse
from bough.worktree.cli.commands.hooksplan import occasion_of
from bough.worktree.cli.drawing import Box, as_dot, as_mermaid, as_tree
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import duration, tell
from bough.worktree.workshop import Workshop


class GraphFormat(StrEnum):
    """How a graph is drawn."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event of bough.yml.")],
    format_: Annotated[
        GraphFormat, typer.Option("--format", help="How it is drawn.")
    ] = GraphFormat.TREE,
) -> int:
    """Draw what an event would run, and its critical path from recorded durations.

    Conditions are looked at as they are now; nothing runs.
    """
    shop = open_session(context, typed_consent=True)
    rehearsal = rehearse(shop.ground, shop.terms, occasion_of(shop, event, ()))
    names = [job.spec.name for job in rehearsal.running]
    took = _recorded(shop, event, names)
    running = {name: rehearsal.edges[name] for name in names}
    path = critical_path(running, took)
    boxes = _boxes(rehearsal, took, path)
    if format_ is not GraphFormat.TREE:
        draw = as_mermaid if format_ is GraphFormat.MERMAID else as_dot
        sys.stdout.write(draw(event, boxes))
        return Exit.OK
    sys.stdout.write(as_tree(event, boxes))
    if path:
        total = duration(sum(took.get(name, 0) for name in path))
        tell(f"\n* critical path: {' → '.join(map(shown, path))}  ({total})")
        unknown = [shown(name) for name in names if name not in took]
        if unknown:
            tell(f"  no successful run is known of {', '.join(unknown)}")
    return Exit.OK


def _recorded(shop: Workshop, event: str, names: Sequence[str]) -> dict[str, int]:
    connection = schemas.read_repository(shop.ground.places)
    if connection is None:
        return {}
    with closing(connection):
        return durations.medians(connection, event, names)


def _boxes(rehearsal: Rehearsal, took: Mapping[str, int], path: Sequence[str]) -> list[Box]:
    last = last_before(rehearsal.edges, took)
    return [
        Box(
            name=job.spec.name,
            after=rehearsal.edges[job.spec.name],
            below=last.get(job.spec.name, ""),
            notes=_notes(job, took),
            background=job.owner is Owner.BACKGROUND,
            skipped=job.reason if job.skip is not None else "",
            critical=job.spec.name in path,
        )
        for job in (*rehearsal.running, *rehearsal.skipped)
    ]


def _notes(job: NewJob, took: Mapping[str, int]) -> tuple[str, ...]:
    if job.skip is not None:
        return ()
    known = took.get(job.spec.name)
    return (
        *(() if known is None else (duration(known),)),
        *(() if job.spec.when is When.SUCCESS else (f"when: {job.spec.when}",)),
    )
