"""The Typer application: the options before the verb, and the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

import bough
from bough.coordinator.errors import Exit, UsageError
from bough.worktree.cli.context import Globals
from bough.worktree.cli.misuse import misused
from bough.worktree.cli.narration import Volume
from bough.worktree.cli.words import verb_at

_MisusedError: type[Exception] = typer.BadParameter.__mro__[1]
"""What every wrong use of an option, argument or verb derives from. Typer exports only this leaf,
and has changed the package that the class lives in."""

_AS_IS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    """A verb: its module below `commands`, the function in it, or the group `app` of verbs."""

    module: str
    function: str = ""
    hidden: bool = False
    settings: dict[str, Any] | None = None


_VERBS = {
    "start": _Verb(module="start", function="start"),
    "go": _Verb(module="go", function="go"),
    "list": _Verb(module="list_", function="list_"),
    "ls": _Verb(module="list_", function="list_", hidden=True),
    "remove": _Verb(module="remove", function="remove"),
    "rm": _Verb(module="remove", function="remove", hidden=True),
    "run": _Verb(module="run", function="run", settings=_AS_IS),
    "env": _Verb(module="env", function="env"),
    "jobs": _Verb(module="jobs"),
    "hooks": _Verb(module="hooks"),
    "trust": _Verb(module="trust", function="trust"),
    "untrust": _Verb(module="trust", function="untrust"),
    "completions": _Verb(module="completions", function="completions"),
    "demo": _Verb(module="demo", function="demo"),
}


def application(only: str = "") -> typer.Typer:
    """The whole command line; or, with the name of a verb, no more than that verb needs."""
    app = typer.Typer(
        name="bough",
        help="Worktrees with jobs: declare them once in bough.yml, and events run them.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for name, verb in _VERBS.items():
        if only in _VERBS and name != only:
            continue
        module = import_module(f"bough.worktree.cli.commands.{verb.module}")
        if not verb.function:
            app.add_typer(module.app, name=name)
            continue
        register = app.command(name, hidden=verb.hidden, context_settings=verb.settings)
        register(getattr(module, verb.function))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bough {bough.__version__}")
        raise typer.Exit


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
    place = verb_at(arguments)
    app = application("".join(arguments[place : place + 1]))
    try:
        status = app(arguments or ["--help"], prog_name="bough", standalone_mode=False)
    except _MisusedError as error:
        raise misused(error, arguments, tuple(_VERBS)) from error
    except typer.Abort:
        return int(Exit.INTERRUPTED)
    return status if isinstance(status, int) else int(Exit.OK)
