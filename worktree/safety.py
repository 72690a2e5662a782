"""Whether a worktree may go: every reason against it, and the proof that its branch loses nothing.

Pure: the decision over facts that `removal` gathers. Invariants: what is not known counts against
removal; the main worktree, a locked one and a branch that is checked out elsewhere are never
overruled; the default branch is never deleted.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from bough.hooks.errors import shown
from bough.hooks.paths import shown_path
from bough.worktree.changes import Changes


class Proof(StrEnum):
    """Why nothing is lost with a branch, the cheapest first."""

    NO_COMMITS = "no-commits"
    SAME_COMMIT = "same-commit"
    ANCESTOR = "ancestor"
    EMPTY_DIFF = "empty-diff"
    """Since the two parted, the branch has changed nothing in sum."""
    EQUAL_TREES = "equal-trees"
    ON_REMOTE = "on-remote"
    REACHABLE = "reachable"
    """For a detached worktree: a branch or tag holds its commit."""


class Reason(StrEnum):
    """Why a removal is refused."""

    MAIN = "main"
    LOCKED = "locked"
    STANDING = "standing"
    PAUSED = "paused"
    DIRTY = "dirty"
    CHECKED_OUT = "checked-out"
    NOT_INTEGRATED = "not-integrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A proof, and the branch that it holds against."""

    proof: Proof
    against: str = ""

    def __str__(self) -> str:
        against = shown(self.against)
        return {
            Proof.NO_COMMITS: "it has no commits",
            Proof.SAME_COMMIT: f"it is at the same commit as {against}",
            Proof.ANCESTOR: f"it is merged into {against}",
            Proof.EMPTY_DIFF: f"it changes nothing since it left {against}",
            Proof.EQUAL_TREES: f"its files are those of {against}",
            Proof.ON_REMOTE: f"{against} holds the same commit",
            Proof.REACHABLE: f"{against} contains its commit",
        }[self.proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A worktree as it was found. `tip` is the commit checked out, None before the first one.

    `changes` None: not known. `missing`: its folder is gone. `standing`: the command runs in it.
    `default`: its branch is the repository's default branch. `elsewhere` is another worktree with
    the same branch. `compared` names the branches that were looked at for `evidence`.
    """

    path: str
    branch: str | None
    tip: str | None
    is_main: bool = False
    locked: str | None = None
    missing: bool = False
    standing: bool = False
    default: bool = False
    elsewhere: str | None = None
    changes: Changes | None = None
    paused: str | None = None
    evidence: Evidence | None = None
    compared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said: lose changes, lose commits, keep the branch, remove it from inside."""

    force: bool = False
    force_branch: bool = False
    keep_branch: bool = False
    from_inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason against, in words, and what to do about it."""

    reason: Reason
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision: `safe` if nothing is against it. `force` is passed on to git."""

    facts: Facts
    refusals: tuple[Refusal, ...]
    deletes_branch: bool
    force: bool

    @property
    def safe(self) -> bool:
        return not self.refusals


def verdict(facts: Facts, wishes: Wishes) -> Verdict:
    """Judge the removal of a worktree; all that is against it is listed, not just the first."""
    deletes = facts.branch is not None and not (
        wishes.keep_branch or facts.default or facts.tip is None
    )
    refusals = (
        *_refused_place(facts, wishes),
        *_refused_content(facts, wishes),
        *_refused_branch(facts, wishes, deletes=deletes),
    )
    return Verdict(facts=facts, refusals=refusals, deletes_branch=deletes, force=wishes.force)


def _refused_place(facts: Facts, wishes: Wishes) -> list[Refusal]:
    refusals = []
    if facts.is_main:
        refusals.append(
            Refusal(
                reason=Reason.MAIN,
                message="it is the main worktree",
                hint="The main worktree holds the repository itself; it cannot be removed.",
            )
        )
    if facts.locked is not None:
        refusals.append(
            Refusal(
                reason=Reason.LOCKED,
                message="it is locked" + (f": {shown(facts.locked)}" if facts.locked else ""),
                hint=f"git worktree unlock {shlex.quote(facts.path)}",
            )
        )
    if facts.standing and not wishes.from_inside:
        refusals.append(
            Refusal(
                reason=Reason.STANDING,
                message="you are in it",
                hint="cd to another worktree, for example with: bough go -",
            )
        )
    return refusals


def _refused_content(facts: Facts, wishes: Wishes) -> list[Refusal]:
    if facts.missing or wishes.force:
        return []
    refusals = []
    if facts.paused:
        refusals.append(
            Refusal(
                reason=Reason.PAUSED,
                message=f"a {facts.paused} is under way in it",
                hint="Finish or abort it, or remove the worktree with -f.",
            )
        )
    if facts.changes is None or not facts.changes.clean:
        state = "its state is not known" if facts.changes is None else f"{facts.changes}"
        refusals.append(
            Refusal(
                reason=Reason.DIRTY,
                message=f"it is not clean ({state})",
                hint="Commit or stash the changes, or lose them with -f.",
            )
        )
    return refusals


def _refused_branch(facts: Facts, wishes: Wishes, *, deletes: bool) -> list[Refusal]:
    if deletes and facts.elsewhere is not None:
        return [
            Refusal(
                reason=Reason.CHECKED_OUT,
                message=f"its branch is checked out at {shown_path(facts.elsewhere)}, too",
                hint="Keep the branch: --keep-branch",
            )
        ]
    at_stake = deletes or (facts.branch is None and facts.tip is not None and not facts.is_main)
    if not at_stake or facts.evidence is not None or wishes.force_branch:
        return []
    if facts.branch is None:
        message = f"no branch or tag contains its commit {facts.tip}"
        hint = f"Keep the commit (git branch NAME {facts.tip}), or lose it with -D."
    else:
        against = " or ".join(map(shown, facts.compared)) or "any other branch"
        message = f"the branch {shown(facts.branch)} has commits that are not in {against}"
        hint = "Merge or push it, keep it with --keep-branch, or lose it with -D."
    return [Refusal(reason=Reason.NOT_INTEGRATED, message=message, hint=hint)]
