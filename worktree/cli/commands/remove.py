"""`bough remove TARGET…`: worktrees and their branches, only if nothing is lost with them."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from bough.coordinator.errors import Exit
from bough.hooks.errors import shown
from bough.worktree import operations
from bough.worktree.cli.foretelling import tell_foreseen
from bough.worktree.cli.formats import Format, write
from bough.worktree.cli.options import DryRun, HookMode, Hooks, OutputFormat, SkipHooks, Trust
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import say
from bough.worktree.operations import Removal
from bough.worktree.safety import Wishes

_COLUMNS = ("branch", "path", "safe", "proof", "against", "deletes_branch", "refusals")


def remove(
    context: typer.Context,
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET", help="Branches, paths or folder names.")
    ],
    force: Annotated[bool, typer.Option("-f", "--force", help="Lose uncommitted changes.")] = False,
    force_branch: Annotated[
        bool, typer.Option("-D", "--force-branch", help="Lose commits that are nowhere else.")
    ] = False,
    keep_branch: Annotated[
        bool, typer.Option("--keep-branch", help="Remove the worktree only.")
    ] = False,
    from_inside: Annotated[
        bool, typer.Option("--from-inside", help="Also if it is where you are.")
    ] = False,
    skip_hooks: SkipHooks = None,
    hooks: Hooks = HookMode.AUTO,
    trust: Trust = False,
    dry_run: DryRun = False,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Remove worktrees with their branches, if nothing is lost."""
    shop = open_session(context, skip_hooks=skip_hooks or (), hooks=hooks, trusting=trust)
    wishes = Wishes(
        force=force, force_branch=force_branch, keep_branch=keep_branch, from_inside=from_inside
    )
    plans = operations.plan_remove(shop, targets, wishes)
    if dry_run:
        _tell(plans, format_)
        if format_ is Format.TABLE:
            for plan in plans:
                if plan.verdict.safe:
                    tell_foreseen(operations.foresee(shop, plan))
        return Exit.OK if all(plan.verdict.safe for plan in plans) else Exit.FAILED
    operations.refuse_unsafe(plans)
    for plan in plans:
        removed = operations.remove(shop, plan)
        branch = f" and its branch {shown(removed.branch)}" if removed.branch else ""
        if format_ is Format.TABLE:
            say(f"removed {shown(removed.path)}{branch}")
        if plan.verdict.facts.standing:
            say(f"you were in it; go on with: cd {shlex.quote(operations.refuge(shop))}")
    if format_ is not Format.TABLE:
        write([_row(plan) for plan in plans], _COLUMNS, format_)
    return Exit.OK


def _tell(plans: tuple[Removal, ...], format_: Format) -> None:
    if format_ is not Format.TABLE:
        write([_row(plan) for plan in plans], _COLUMNS, format_)
        return
    for plan in plans:
        facts = plan.verdict.facts
        if plan.verdict.safe:
            branch = ""
            if plan.verdict.deletes_branch:
                branch = f" and the branch {shown(facts.branch or '')}"
                branch += f" ({facts.evidence})" if facts.evidence else " (its commits are lost)"
            say(f"would remove {shown(facts.path)}{branch}")
        else:
            reasons = "; ".join(refusal.message for refusal in plan.verdict.refusals)
            say(f"would not remove {shown(facts.path)}: {reasons}")


def _row(plan: Removal) -> dict[str, object]:
    facts = plan.verdict.facts
    evidence = facts.evidence
    return {
        "branch": facts.branch,
        "path": facts.path,
        "safe": plan.verdict.safe,
        "proof": evidence.proof.value if evidence else None,
        "against": evidence.against or None if evidence else None,
        "deletes_branch": plan.verdict.deletes_branch,
        "refusals": [
            {"reason": refusal.reason.value, "message": refusal.message, "hint": refusal.hint}
            for refusal in plan.verdict.refusals
        ],
    }
