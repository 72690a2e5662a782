"""What every operation on worktrees works with: the repository, its id and places, and the terms.

Here an event meets its place in the world: which folder's configuration applies, what the
worktree's branch and commit are, and what a failed gate means for the operation around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from bough.coordinator import places
from bough.coordinator.errors import BoughError, Exit
from bough.hooks import trust
from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from bough.hooks.config.sources import Reader
from bough.hooks.errors import ConfigError, JobFailedError, UntrustedError
from bough.hooks.events import git_hook_of_event, is_gate
from bough.hooks.firing import Fired, Ground, Occasion, Site, Terms, fire
from bough.hooks.happenings import Noted, Selected
from bough.hooks.identity import repo_id
from bough.hooks.rehearsal import Rehearsal, rehearse
from bough.hooks.repository import (
    Repository,
    WorktreeEntry,
    admin_dir,
    discover,
    is_merging,
    is_rebasing,
    main_path,
    read_config,
    repo_name,
    worktrees,
)
from bough.hooks.skipping import ALL, split_selectors
from bough.worktree.branches import base_of
from bough.worktree.layouts import chosen_layout
from bough.worktree.names import slug
from bough.worktree.placement import Placement
from bough.worktree.switching import worktree_of


class Interrupted(BoughError):
    """A person stopped the operation."""

    code = "INTERRUPTED"
    exit = Exit.INTERRUPTED


class NotAWorktree(BoughError):
    """The command needs a worktree, and there is none where it runs."""

    code = "NOT_A_WORKTREE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What an event would do. Not `trusted`: nothing of it before somebody has consented."""

    event: str
    rehearsal: Rehearsal
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A repository opened for one command. `cwd` is where the command runs."""

    repo: Repository
    ground: Ground
    terms: Terms
    cwd: str

    def site(self, entry: WorktreeEntry) -> Site:
        """The worktree as the place of an event."""
        home = admin_dir(self.repo, entry)
        return Site(
            path=entry.path,
            cwd=entry.path,
            branch=entry.branch or "",
            commit=entry.head or "",
            branch_slug=slug(entry.branch) if entry.branch else "",
            base_branch=base_of(self.repo, entry.branch) or "" if entry.branch else "",
            admin_id=entry.admin_id if entry.admin_id or entry.is_main else None,
            merging=is_merging(home),
            rebasing=is_rebasing(home),
        )

    def config(self, event: str, reader: Reader) -> Config | None:
        """The configuration for an event; a broken one stops a gate and is told otherwise.

        Where the person skips the event anyway, a broken configuration is no obstacle.
        """
        if self.terms.off or {ALL, event} & set(split_selectors(self.terms.selectors, frozenset())):
            return _quiet(reader)
        try:
            return load(reader)
        except ConfigError as error:
            if is_gate(event):
                raise ConfigError(
                    error.problems, hint=f"Mend it, or go on without: {way_round(event)}"
                ) from error
            text = f"{event} did not run, its configuration is broken:\n{error.message}"
            self.terms.observe(Noted(text=text, hint="bough hooks validate"))
            return None

    def fire(
        self, event: str, site: Site, config: Config | None, *, removal_reason: str = ""
    ) -> Fired:
        """Fire a worktree event if the configuration declares anything for it."""
        occasion = self._occasion(event, site, config, removal_reason)
        if occasion is None:
            return Fired(event=event)
        return fire(self.ground, self.terms, occasion)

    def foresee(
        self, event: str, site: Site, config: Config | None, *, removal_reason: str = ""
    ) -> Foreseen | None:
        """What `fire` would do now, without doing it; None: nothing."""
        occasion = self._occasion(event, site, config, removal_reason)
        if occasion is None or self.terms.off:
            return None
        rehearsal = rehearse(self.ground, self.terms, occasion)
        self.terms.observe(Selected(unmatched=frozenset(rehearsal.unmatched)))
        standing = trust.standing(occasion.config, self.ground.repo_id, self.ground.common_dir)
        return Foreseen(event=event, rehearsal=rehearsal, trusted=standing.trusted)

    def _occasion(
        self, event: str, site: Site, config: Config | None, removal_reason: str
    ) -> Occasion | None:
        """The event as it is to be fired, None if nothing is declared for it."""
        hook = config.for_event(event) if config is not None else None
        if config is None or hook is None:
            if self.terms.selectors:
                named = {ALL, event}
                words = split_selectors(self.terms.selectors, frozenset())
                self.terms.observe(Selected(unmatched=frozenset(words) - named))
            return None
        return Occasion(
            event=event, site=site, config=config, hook=hook, removal_reason=removal_reason
        )

    def placement(self, flag: str | None) -> Placement:
        """Where new worktrees go, by the order of precedence that `chosen_layout` states."""
        layout = chosen_layout(
            flag=flag,
            git_config=read_config(self.repo, "bough.layout"),
            trusted_config=self._trusted_layout(),
            user_config=None,
        )
        return Placement(layout=layout, data_dir=places.data_root())

    def _trusted_layout(self) -> str | None:
        if self.repo.top is None:
            return None
        config = _quiet(FolderReader(self.repo.top))
        if config is None or config.layout is None:
            return None
        standing = trust.standing(config, self.ground.repo_id, self.ground.common_dir)
        return config.layout if standing.trusted else None


def open_workshop(cwd: str, make_terms: Callable[[Repository], Terms]) -> Workshop:
    """The workshop for the repository that `cwd` is in."""
    repo = discover(cwd)
    terms = make_terms(repo)
    identity = repo_id(repo)
    if identity.copied_from:
        terms.observe(
            Noted(
                text=f"this repository is a copy of {identity.copied_from}; "
                "it has a history of its own, and nothing is trusted in it yet"
            )
        )
    ground = Ground(
        repo_id=identity.value,
        name=repo_name(repo),
        common_dir=repo.common_dir,
        main_path=main_path(repo),
        places=places.for_repository(identity.value),
    )
    return Workshop(repo=repo, ground=ground, terms=terms, cwd=os.path.realpath(cwd))


def stop_if_aborted(fired: Fired, what: str) -> None:
    """Raise what an aborting event means for the operation: `what` did not happen."""
    if not fired.aborts:
        return
    if fired.interrupted:
        raise Interrupted(f"interrupted during {fired.event}: {what}")
    if fired.untrusted:
        raise UntrustedError(
            f"{fired.event} is declared by a configuration that is not trusted: {what}",
            hint=f"Look at it, then: {fired.consent_hint}   "
            f"(or go on without it: {way_round(fired.event)})",
        )
    raise JobFailedError(f"{told_failures(fired)}: {what}", hint=_log_hint(fired))


def way_round(event: str) -> str:
    """What a person adds to the command that fired an event in order to skip it."""
    return f"BOUGH_SKIP={event}" if git_hook_of_event(event) else f"--skip-hooks {event}"


def told_failures(fired: Fired) -> str:
    """The failed jobs of an event in one phrase."""
    told = ", ".join(
        f"{job.name} {job.status.replace('_', ' ')}" + (f" ({job.reason})" if job.reason else "")
        for job in fired.failed
    )
    return f"{fired.event}: {told}"


def _log_hint(fired: Fired) -> str:
    return f"bough jobs logs {fired.failed[0].address}" if fired.failed else ""


def _quiet(reader: Reader) -> Config | None:
    try:
        return load(reader)
    except ConfigError:
        return None


def here(shop: Workshop) -> WorktreeEntry:
    """The worktree that the command runs in."""
    found = worktree_of(worktrees(shop.repo), shop.cwd)
    if found is None or found.bare:
        raise NotAWorktree(
            f"{shop.cwd} is not inside a worktree", hint="cd into one of these: bough list"
        )
    return found
