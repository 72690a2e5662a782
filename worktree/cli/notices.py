"""What failed behind a person's back: told once, at the end of the next command that they type.

Not told where a program reads, in a machine's format, nor inside of a job: the news is for people.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing

import typer

from bough.coordinator.errors import BoughError
from bough.coordinator.model import Job
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import notices, schemas
from bough.coordinator.store.notices import News
from bough.hooks.errors import shown
from bough.worktree.cli.formats import Format
from bough.worktree.cli.terminal import say, style_for

_MOST_NAMED = 5


def tell_when_done(
    context: typer.Context, places: StatePlaces, format_: Format = Format.TABLE
) -> None:
    """When the command is over, say which background jobs failed since somebody was told last."""
    if format_ is Format.TABLE and "BOUGH_INVOCATION" not in os.environ:
        context.call_on_close(lambda: _tell(places))


def _tell(places: StatePlaces) -> None:
    try:
        news = _untold(places)
        if news is None or not news.jobs:
            return
        with closing(schemas.write_repository(places)) as connection:
            notices.told(connection, news)
    except BoughError:
        return  # whoever can be told has been told of the trouble with the database, too
    style = style_for(sys.stderr)
    say(f"{style.yellow}bough: failed in the background: {_names(news.jobs)}{style.reset}")
    say("  bough jobs --failed --all")


def _untold(places: StatePlaces) -> News | None:
    connection = schemas.read_repository(places)
    if connection is None:
        return None
    with closing(connection):
        return notices.untold(connection)


def _names(failed: tuple[Job, ...]) -> str:
    named = [f"{shown(job.name)} ({shown(job.branch or job.worktree_name)})" for job in failed]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more
