"""Start, go, remove: what is done to worktrees, with the events around it.

Invariants: everything that can be refused is refused before anything is touched; a gate that stops
leaves nothing on disk; of all processes that see a new worktree exactly one fires its creation.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bough.coordinator import control
from bough.coordinator.errors import BoughError, StoreError, UsageError
from bough.coordinator.model import Job
from bough.coordinator.places import PlaceError
from bough.coordinator.store import history, registry, schemas
from bough.coordinator.store.registry import Kind
from bough.hooks.commit_reader import CommitReader
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from bough.hooks.environment import EXPECTED_PATH
from bough.hooks.errors import shown
from bough.hooks.events import POST_CREATE, POST_REMOVE, POST_SWITCH, PRE_CREATE, PRE_REMOVE
from bough.hooks.firing import Fired, Site
from bough.hooks.happenings import Noted
from bough.hooks.repository import WorktreeEntry, folder, worktrees
from bough.worktree import creation, markers, removal, safety, switching
from bough.worktree.creation import Creation
from bough.worktree.names import slug
from bough.worktree.safety import Verdict, Wishes
from bough.worktree.workshop import Foreseen, Workshop, stop_if_aborted

MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where the person is now; `fired` is the last event, whose failure the worktree outlived."""

    path: str
    branch: str
    created: bool
    fired: Fired


def start(shop: Workshop, branch: str, *, base: str | None, layout: str | None) -> Arrival:
    """Create a branch and its worktree."""
    planned = plan_start(shop, branch, base=base, layout=layout)
    return _create(shop, planned)


def plan_start(shop: Workshop, branch: str, *, base: str | None, layout: str | None) -> Creation:
    """What `start` would do; every refusal is raised here."""
    return creation.resolve_new(shop.repo, branch, base=base, placement=shop.placement(layout))


def go(shop: Workshop, target: str, *, layout: str | None) -> Arrival:
    """Switch to a worktree, making it when only its branch exists."""
    planned = plan_go(shop, target, layout=layout)
    if isinstance(planned, Creation):
        return _create(shop, planned)
    _leave(shop, planned.path)
    fired = shop.fire(
        POST_SWITCH, shop.site(planned), shop.config(POST_SWITCH, FolderReader(planned.path))
    )
    return Arrival(path=planned.path, branch=planned.branch or "", created=False, fired=fired)


def plan_go(shop: Workshop, target: str, *, layout: str | None) -> Creation | WorktreeEntry:
    """What `go` would do: visit a worktree, or create one."""
    _refuse_empty(target)
    destination = switching.resolve_target(shop.repo, target, cwd=shop.cwd)
    if destination.entry is not None:
        if destination.entry.prunable is not None:
            raise BoughError(
                f"the worktree {shown(destination.entry.path)} is registered, but its folder "
                "is gone",
                hint="Let git forget it: git worktree prune",
            )
        return destination.entry
    assert destination.branch is not None, "a destination is a worktree or a branch"
    return creation.resolve_existing(
        shop.repo,
        destination.branch,
        track=destination.track,
        placement=shop.placement(layout),
    )


def foresee(shop: Workshop, planned: Creation | WorktreeEntry | Removal) -> tuple[Foreseen, ...]:
    """What the events around a planned operation would do, in order."""
    match planned:
        case Creation():
            config = shop.config(PRE_CREATE, CommitReader(shop.repo, planned.commit))
            gate = _gate(shop, planned)
            created = replace(gate, cwd=planned.path)
            found = (
                shop.foresee(PRE_CREATE, gate, config),
                shop.foresee(POST_CREATE, created, config),
            )
        case WorktreeEntry():
            config = shop.config(POST_SWITCH, FolderReader(planned.path))
            found = (shop.foresee(POST_SWITCH, shop.site(planned), config), None)
        case Removal(entry=entry):
            config = _removal_config(shop, planned)
            found = (
                shop.foresee(PRE_REMOVE, shop.site(entry), config, removal_reason=MANUAL),
                shop.foresee(POST_REMOVE, shop.site(entry), config, removal_reason=MANUAL),
            )
    return tuple(one for one in found if one is not None)


def _gate(shop: Workshop, planned: Creation) -> Site:
    """The place of the event before a creation: about a worktree that is not there yet."""
    return Site(
        path=planned.path,
        cwd=shop.repo.top or shop.ground.main_path,
        branch=planned.branch,
        branch_slug=slug(planned.branch),
        commit=planned.commit,
        base_branch=planned.base or "",
    )


def _create(shop: Workshop, planned: Creation) -> Arrival:
    reader = CommitReader(shop.repo, planned.commit)
    config = shop.config(PRE_CREATE, reader)
    fired = shop.fire(PRE_CREATE, _gate(shop, planned), config)
    stop_if_aborted(fired, "nothing was created")
    entry = _added(shop, planned)
    _leave(shop, planned.path)
    fired = fire_post_create(shop, entry, base=planned.base or "")
    return Arrival(path=planned.path, branch=planned.branch, created=True, fired=fired)


def fire_post_create(shop: Workshop, entry: WorktreeEntry, *, base: str = "") -> Fired:
    """Fire the creation of a worktree, unless another process has done so."""
    if not markers.mark(shop.repo, entry):
        return Fired(event=POST_CREATE)
    site = shop.site(entry)
    site = replace(site, base_branch=site.base_branch or base)
    return shop.fire(POST_CREATE, site, shop.config(POST_CREATE, FolderReader(entry.path)))


def _added(shop: Workshop, planned: Creation) -> WorktreeEntry:
    """Run git, with the change announced so that the shim leaves its event to us."""
    with _announced(shop, Kind.CREATE, planned.path) as env:
        created = creation.create(shop.repo, planned, env=env)
    if created.warning:
        shop.terms.observe(Noted(text=f"the worktree is there, but {created.warning}"))
    return created.entry


def _leave(shop: Workshop, to: str) -> None:
    here = switching.worktree_of(worktrees(shop.repo), shop.cwd)
    if here is not None and here.path != to:
        switching.remember(shop.repo, here.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A worktree that is about to go, and the verdict on it."""

    entry: WorktreeEntry
    verdict: Verdict


def plan_remove(shop: Workshop, targets: Sequence[str], wishes: Wishes) -> tuple[Removal, ...]:
    """Judge every target before any is touched; a verdict may still be a refusal."""
    for name in targets:
        _refuse_empty(name)
    entries = [switching.resolve_worktree(shop.repo, name, cwd=shop.cwd) for name in targets]
    unique = {entry.path: entry for entry in entries}
    return tuple(_judged(shop, entry, wishes) for entry in unique.values())


def _judged(shop: Workshop, entry: WorktreeEntry, wishes: Wishes) -> Removal:
    facts = removal.examine(shop.repo, entry, cwd=shop.cwd)
    _refuse_own_job(shop, entry)
    return Removal(entry=entry, verdict=safety.verdict(facts, wishes))


def _refuse_empty(target: str) -> None:
    # An unset variable of a script; as a path it would mean the current folder.
    if not target:
        raise UsageError("the target is empty", hint="Name a branch or a path: bough list")


def _refuse_own_job(shop: Workshop, entry: WorktreeEntry) -> None:
    env = shop.terms.env
    if env.get("BOUGH_INVOCATION") and env.get("BOUGH_WORKTREE_PATH") == entry.path:
        raise BoughError(
            f"the worktree {shown(entry.path)} cannot be removed by one of its own jobs",
            hint="Removing it would end the job that asks for it.",
        )


def refuse_unsafe(plans: Sequence[Removal]) -> None:
    """Raise the refusals of all targets together, before any of them is touched."""
    unsafe = [plan.verdict for plan in plans if not plan.verdict.safe]
    if not unsafe:
        return
    errors = [removal.refused(verdict) for verdict in unsafe]
    hints = dict.fromkeys(error.hint for error in errors)
    others = len(plans) - len(unsafe)
    message = "\n".join(error.message for error in errors)
    if others:
        message += f"\n(the other {others} of them stayed, too)"
    raise type(errors[0])(message, hint=" ".join(hints))


def remove(shop: Workshop, plan: Removal) -> removal.Removed:
    """Remove one worktree that may go: its jobs first, then the gate, git, and the last event."""
    refuse_unsafe([plan])
    entry = plan.entry
    site = shop.site(entry)
    config = _removal_config(shop, plan)
    if not _is_refused_unasked(shop, site, config):
        _cancel_jobs(shop, entry)
    gate = shop.fire(PRE_REMOVE, site, config, removal_reason=MANUAL)
    stop_if_aborted(gate, f"the worktree {shown(entry.path)} stays")
    with _announced(shop, Kind.REMOVE, entry.path):
        removed = removal.remove(shop.repo, plan.verdict)
    main = refuge(shop)
    afterwards = replace(shop, ground=replace(shop.ground, main_path=main))
    fired = afterwards.fire(POST_REMOVE, replace(site, cwd=main), config, removal_reason=MANUAL)
    stop_if_aborted(fired, "the worktree is removed all the same")
    return removed


def _is_refused_unasked(shop: Workshop, site: Site, config: Config | None) -> bool:
    """Whether the gate is going to stop for want of trust, with nobody there to give it."""
    gate = shop.foresee(PRE_REMOVE, site, config, removal_reason=MANUAL)
    if gate is None or gate.trusted or shop.terms.consent is not None:
        return False
    return bool(gate.rehearsal.running)


def _removal_config(shop: Workshop, plan: Removal) -> Config | None:
    """What the worktree says about its own removal; nothing where its folder is gone."""
    if plan.verdict.facts.missing:
        return None
    return shop.config(PRE_REMOVE, FolderReader(plan.entry.path))


def refuge(shop: Workshop) -> str:
    """A folder that outlives removals: the main worktree, or, if there is none (any more), the
    folder around the repository."""
    main = shop.ground.main_path
    return main if os.path.isdir(main) else folder(shop.repo)


def _cancel_jobs(shop: Workshop, entry: WorktreeEntry) -> None:
    try:
        active = _active_jobs(shop, entry)
        if not active:
            return
        names = ", ".join(shown(job.name) for job in active)
        shop.terms.observe(Noted(text=f"cancelling what still runs for this worktree: {names}"))
        writer = schemas.write_repository(shop.ground.places)
        try:
            control.cancel(shop.ground.places, writer, active)
        finally:
            writer.close()
    except (StoreError, PlaceError) as error:
        shop.terms.observe(
            Noted(text=f"its jobs could not be looked up: {error.message}", hint=error.hint)
        )


def _active_jobs(shop: Workshop, entry: WorktreeEntry) -> tuple[Job, ...]:
    connection = schemas.read_repository(shop.ground.places)
    if connection is None:
        return ()
    try:
        return history.active(connection, history.Filter(worktree_path=entry.path))
    finally:
        connection.close()


@contextmanager
def _announced(shop: Workshop, kind: Kind, path: str) -> Iterator[dict[str, str]]:
    """Within: this change at this path is bough's own.

    Said by a row, which git's children do not inherit; only where the store cannot be used, by a
    variable for git that names the path.
    """
    try:
        connection = schemas.write_repository(shop.ground.places)
    except (StoreError, PlaceError):
        yield {EXPECTED_PATH: path}
        return
    try:
        registry.expect(connection, kind, path)
        yield {}
    finally:
        registry.withdraw(connection, kind, path)
        connection.close()


def rerun_hint(path: str, event: str) -> str:
    """What to type to run a worktree's event again."""
    return f"bough -C {shlex.quote(path)} hooks run {event}"
