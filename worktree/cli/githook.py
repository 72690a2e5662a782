"""`bough __hook HOOK ARGS…`: what git's hooks call through the shims.

It always checks trust and never asks: nobody sits in front of a hook. A worktree that plain git has
just made shows itself here first, by a `post-checkout` from the all-zero commit in a linked
worktree that has no marker yet; exactly one process gets to fire its creation.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from bough.coordinator.errors import StoreError
from bough.coordinator.places import PlaceError
from bough.coordinator.store import registry, schemas
from bough.coordinator.store.registry import Kind
from bough.hooks import eventsfile
from bough.hooks.config.readers import FolderReader
from bough.hooks.environment import EXPECTED_PATH
from bough.hooks.events import event_of_git_hook
from bough.hooks.firing import Fired, Occasion, Terms, fire
from bough.hooks.git import require_git
from bough.hooks.repository import Repository, WorktreeEntry, admin_dir
from bough.worktree.cli.narration import Narrator, Volume
from bough.worktree.cli.terms import command_line, fail_mode_of, selectors, switched_off
from bough.worktree.workshop import Workshop, here, open_workshop, stop_if_aborted


def main(arguments: Sequence[str]) -> int:
    """Serve one call from a shim; the status is what git gets to see."""
    hook, *args = arguments
    require_git()
    narrator = Narrator(Volume.NORMAL)

    def terms(repo: Repository) -> Terms:
        return Terms(
            command=command_line(["__hook", *arguments]),
            observe=narrator,
            env=dict(os.environ),
            selectors=selectors(()),
            off=switched_off(repo),
            keep_git=True,
            consent_hint=f"bough trust {shlex.quote(repo.top or repo.git_dir)}",
            fail_mode=fail_mode_of(repo),
        )

    shop = open_workshop(os.getcwd(), terms)
    if shop.terms.off:
        return 0
    entry = here(shop)
    if hook == "post-checkout" and _just_created(shop, entry, args):
        _stop(_fire_creation(shop, entry))
    _stop(_fire(shop, entry, event_of_git_hook(hook), args))
    return 0


def _fire_creation(shop: Workshop, entry: WorktreeEntry) -> Fired:
    from bough.worktree import operations

    return operations.fire_post_create(shop, entry)


def _just_created(shop: Workshop, entry: WorktreeEntry, args: Sequence[str]) -> bool:
    """Whether this checkout is the birth of a worktree that bough itself did not announce."""
    if len(args) != 3 or args[0].strip("0") or args[2] != "1" or entry.is_main:
        return False
    from bough.worktree import markers

    if markers.marker(shop.repo, entry) is not None:
        return False
    try:
        connection = schemas.write_repository(shop.ground.places)
    except (StoreError, PlaceError):
        # Nothing can be announced by a row; the marker still lets only one process through.
        return shop.terms.env.get(EXPECTED_PATH) != entry.path
    try:
        return not registry.consume(connection, Kind.CREATE, entry.path)
    finally:
        connection.close()


def _fire(shop: Workshop, entry: WorktreeEntry, event: str, args: Sequence[str]) -> Fired:
    config = shop.config(event, FolderReader(entry.path))
    if config is not None:
        eventsfile.note(admin_dir(shop.repo, entry), config)
    hook = config.for_event(event) if config is not None else None
    if config is None or hook is None:
        return Fired(event=event)
    occasion = Occasion(
        event=event, site=shop.site(entry), config=config, hook=hook, args=tuple(args)
    )
    return fire(shop.ground, shop.terms, occasion)


def _stop(fired: Fired) -> None:
    stop_if_aborted(fired, "git is told to stop")
