"""`bough completions SHELL`: what to load into a shell so that Tab knows bough."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from bough.coordinator.errors import Exit
from bough.worktree.cli import complete
from bough.worktree.cli.shell import completion_script


def completions(
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(help="The shell that will load it.")
    ],
) -> int:
    """Print completion for a shell.

    To load it: eval "$(bough completions bash)"
    """
    sys.stdout.write(completion_script(shell, python=sys.executable, complete=complete.__file__))
    return Exit.OK
