"""What stands before the verb, and where a verb finds it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import typer

from bough.hooks.repository import current_folder
from bough.worktree.cli.narration import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """The options before the verb."""

    directory: str | None
    volume: Volume


def globals_of(context: typer.Context) -> Globals:
    """The options before the verb, as the command's context carries them."""
    found = context.find_object(Globals)
    assert found is not None, "the application's callback sets it"
    return found


def start_folder(context: typer.Context) -> str:
    """Where the command works: `-C`, else the current folder."""
    directory = globals_of(context).directory
    return current_folder() if directory is None else os.path.abspath(directory)
