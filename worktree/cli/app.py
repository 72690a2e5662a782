"""The Typer application: the options before the verb, and the verbs."""

from __future__ import annotations

from typing import Annotated

import typer

import bough
from bough.coordinator.errors import Exit, UsageError
from bough.worktree.cli.commands import (
    demo,
    go,
    hooks,
    jobs,
    list_,
    remove,
    run,
    start,
    trust,
)
from bough.worktree.cli.misuse import misused
from bough.worktree.cli.narration import Volume
from bough.worktree.cli.session import Globals

_MisusedError: type[Exception] = typer.BadParameter.__mro__[1]
"""What every wrong use of an option, argument or verb derives from. Typer exports only this leaf,
and has changed the package that the class lives in."""

app = typer.Typer(
    name="bough",
    help="Worktrees with jobs: declare them once in bough.yml, and events run them.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("start")(start.start)
app.command("go")(go.go)
app.command("list")(list_.list_)
app.command("ls", hidden=True)(list_.list_)
app.command("remove")(remove.remove)
app.command("rm", hidden=True)(remove.remove)
app.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)(run.run)
app.add_typer(jobs.app, name="jobs")
app.add_typer(hooks.app, name="hooks")
app.command("trust")(trust.trust)
app.command("untrust")(trust.untrust)

app.command("demo")(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bough {bough.__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    directory: Annotated[
        str | None, typer.Option("-C", metavar="DIR", help="Work as if started in DIR.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Show the output of failed jobs only.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show commands, and why jobs were skipped.")
    ] = False,
    version: Annotated[  # noqa: ARG001  acts through its callback
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if quiet and verbose:
        raise UsageError("-q and -v exclude each other")
    volume = Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL
    context.obj = Globals(directory=directory, volume=volume)


def main(arguments: list[str]) -> int:
    """Run the application and return its exit status; a wrong command line is a `UsageError`."""
    try:
        status = app(arguments or ["--help"], prog_name="bough", standalone_mode=False)
    except _MisusedError as error:
        registered = (*app.registered_commands, *app.registered_groups)
        raise misused(error, arguments, [str(verb.name) for verb in registered]) from error
    except typer.Abort:
        return int(Exit.INTERRUPTED)
    return status if isinstance(status, int) else int(Exit.OK)
