"""`bough trust` and `bough untrust`: consent to what a configuration runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bough.coordinator import clock
from bough.coordinator.errors import Exit, NotFound, UsageError
from bough.hooks import trust as consent
from bough.hooks.config.load import load
from bough.hooks.config.readers import FolderReader
from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
from bough.worktree.cli import consenting
from bough.worktree.cli.context import start_folder
from bough.worktree.cli.formats import Format, write, write_table
from bough.worktree.cli.options import OutputFormat
from bough.worktree.cli.terminal import say

_LIST = "list"


def trust(
    context: typer.Context,
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH", help="A folder of the worktree; `list` lists what is trusted."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    always: Annotated[
        bool, typer.Option("--always", help="Whatever this repository says, also later.")
    ] = False,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Trust this worktree's configuration as it is now.

    On a terminal it is shown first.
    """
    if path == _LIST:
        if yes or always:
            raise UsageError("trust list grants nothing, so --yes and --always mean nothing")
        return _list(format_)
    if format_ is not Format.TABLE:
        raise UsageError("--format is for the list", hint=f"bough trust list --format {format_}")
    repo = discover(path or start_folder(context))
    identity = repo_id(repo).value
    if always:
        consent.grant_always(identity, repo.common_dir, how="command")
        say(f"trusted, whatever it says: {repo.common_dir}")
        return Exit.OK
    if repo.top is None:
        raise UsageError("there is no worktree here", hint="cd into one: bough list")
    config = load(FolderReader(repo.top))
    if config is None:
        raise NotFound(f"there is no bough.yml in {repo.top}")
    standing = consent.standing(config, identity, repo.common_dir)
    if standing.trusted:
        say("trusted already")
        return Exit.OK
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        consenting.show(config, standing)
        if not consenting.agreed("Trust this?"):
            return Exit.FAILED
    consent.grant(config, identity, repo.common_dir, how="command")
    say("trusted: " + ", ".join(source.path for source in config.sources))
    return Exit.OK


def untrust(context: typer.Context) -> int:
    """Withdraw all trust from this repository."""
    repo = discover(start_folder(context))
    number = consent.revoke(repo_id(repo).value, repo.common_dir, how="command")
    grants = "1 grant" if number == 1 else f"{number} grants"
    say(f"withdrew {grants}" if number else "nothing was trusted here")
    return Exit.OK


def _list(format_: Format) -> int:
    rows = [
        {
            "path": grant.path,
            "part": grant.part,
            "fingerprint": grant.fingerprint or None,
            "granted_at": clock.iso(grant.granted_at),
            "repository": grant.repository,
        }
        for grant in consent.listed(None)
    ]
    columns = ("path", "part", "fingerprint", "granted_at", "repository")
    if format_ is not Format.TABLE:
        write(rows, columns, format_)
        return Exit.OK
    lines = [
        [
            str(row["path"]),
            str(row["part"]),
            (row["fingerprint"] or "")[:12],
            str(row["granted_at"]),
        ]
        for row in rows
    ]
    write_table(columns[:4], lines)
    return Exit.OK
