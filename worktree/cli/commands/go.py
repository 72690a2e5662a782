"""`bough go TARGET`: to a worktree, made on the way when only its branch exists."""

from __future__ import annotations

from typing import Annotated

import typer

from bough.coordinator.errors import Exit
from bough.hooks.errors import shown
from bough.hooks.repository import WorktreeEntry
from bough.worktree import operations
from bough.worktree.cli.commands.start import Execute, arrive
from bough.worktree.cli.foretelling import tell_foreseen
from bough.worktree.cli.options import DryRun, HookMode, Hooks, Layout, SkipHooks, Trust
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import say, tell
from bough.worktree.creation import Creation


def go(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A branch, a path, or - for the one before.")
    ],
    layout: Layout = None,
    execute: Execute = None,
    skip_hooks: SkipHooks = None,
    hooks: Hooks = HookMode.AUTO,
    trust: Trust = False,
    dry_run: DryRun = False,
) -> int:
    """Go to a branch's worktree, making it if need be.

    The worktree's path goes to stdout.
    """
    shop = open_session(context, skip_hooks=skip_hooks or (), hooks=hooks, trusting=trust)
    if dry_run:
        planned = operations.plan_go(shop, target, layout=layout)
        making = isinstance(planned, Creation)
        say(f"would {'create' if making else 'go to'} the worktree of {_named(planned)}")
        tell_foreseen(operations.foresee(shop, planned), execute)
        tell(planned.path)
        return Exit.OK
    return arrive(operations.go(shop, target, layout=layout), execute)


def _named(planned: Creation | WorktreeEntry) -> str:
    return shown(planned.branch) if planned.branch else "a detached commit"
