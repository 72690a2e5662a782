"""`bough start BRANCH [BASE]`: a new branch, its worktree, and the jobs of both events."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from bough.coordinator.errors import Exit
from bough.hooks.environment import environment
from bough.hooks.errors import JobFailedError, shown
from bough.hooks.events import POST_CREATE
from bough.worktree import operations
from bough.worktree.cli.foretelling import tell_foreseen
from bough.worktree.cli.options import DryRun, HookMode, Hooks, Layout, SkipHooks, Trust
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import say, tell
from bough.worktree.operations import Arrival, rerun_hint
from bough.worktree.workshop import Interrupted, told_failures

Execute = Annotated[
    str | None,
    typer.Option("-x", "--exec", metavar="CMD", help="Run CMD in the worktree afterwards."),
]


def start(
    context: typer.Context,
    branch: Annotated[str, typer.Argument(metavar="BRANCH", help="The new branch.")],
    base: Annotated[
        str | None, typer.Argument(metavar="BASE", help="What it starts from: a branch or commit.")
    ] = None,
    layout: Layout = None,
    execute: Execute = None,
    skip_hooks: SkipHooks = None,
    hooks: Hooks = HookMode.AUTO,
    trust: Trust = False,
    dry_run: DryRun = False,
) -> int:
    """Create a branch and its worktree, and run its jobs.

    The worktree's path goes to stdout.
    """
    shop = open_session(context, skip_hooks=skip_hooks or (), hooks=hooks, trusting=trust)
    if dry_run:
        planned = operations.plan_start(shop, branch, base=base, layout=layout)
        say(f"would create the branch {shown(planned.branch)} at {planned.commit[:12]}")
        tell_foreseen(operations.foresee(shop, planned), execute)
        tell(planned.path)
        return Exit.OK
    return arrive(operations.start(shop, branch, base=base, layout=layout), execute)


def arrive(arrival: Arrival, execute: str | None) -> int:
    """Print where the person is now, then run `-x`, unless the event that led here failed."""
    tell(arrival.path)
    fired = arrival.fired
    if fired.interrupted:
        raise Interrupted(
            f"interrupted; the worktree {arrival.path} stays",
            hint=f"To run its jobs again: {rerun_hint(arrival.path, fired.event)}",
        )
    if fired.aborts:
        raise JobFailedError(
            f"{told_failures(fired)}; the worktree stays",
            hint=f"To run its jobs again: {rerun_hint(arrival.path, POST_CREATE)}",
        )
    if execute is None:
        return Exit.OK
    environ = environment(os.environ, keep_git=False)
    sys.stdout.flush()
    # No time limit: it is the person's own command, on the person's terminal.
    return subprocess.run(  # the shell is what `-x CMD` asks for
        ["/bin/sh", "-c", execute], cwd=arrival.path, env=environ, check=False
    ).returncode
