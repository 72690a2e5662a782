"""The variables that a trusted configuration derives for a worktree: ports and values.

The block of ports is kept in the repository's database under the name of the worktree's own folder
in the repository, which git gives to one worktree at a time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Mapping

from bough.coordinator.errors import BoughError
from bough.coordinator.store import ports as blocks
from bough.hooks import portblocks
from bough.hooks.config.derived import Derived, Ports


class NoPortsLeft(BoughError):
    """Every block of ports belongs to a living worktree."""

    code = "NO_PORTS_LEFT"


def derive(
    connection: sqlite3.Connection,
    derived: Derived,
    *,
    owner: str,
    common_dir: str,
    facts: Mapping[str, str],
) -> dict[str, str]:
    """The variables for one worktree: `owner` is the name of its folder, `facts` what is known of
    it by the names of templates.

    Raises `NoPortsLeft`.
    """
    numbers: dict[str, int] = {}
    if derived.ports is not None:
        block = _block(connection, derived.ports, owner, common_dir, facts)
        numbers = portblocks.numbers(derived.ports, block)
    return derived.rendered(facts, numbers)


def _block(
    connection: sqlite3.Connection,
    ports: Ports,
    owner: str,
    common_dir: str,
    facts: Mapping[str, str],
) -> range:
    known = blocks.held(connection, owner)
    if known is not None and portblocks.fits(ports, known):
        return known

    def choose(taken: Collection[range]) -> range | None:
        slug = facts["branch_slug"] or facts["worktree_name"]
        return portblocks.choose(ports, salt=facts["repo"], slug=slug, taken=taken)

    block = blocks.settle(connection, owner, living=lambda: _living(common_dir), choose=choose)
    if block is None:
        raise NoPortsLeft(
            f"all {ports.blocks} blocks of {ports.size} ports from {ports.low} to {ports.high} "
            "belong to other worktrees",
            hint="Widen `env.ports.range` in bough.yml, or remove worktrees: bough list",
        )
    return block


def _living(common_dir: str) -> set[str]:
    """The folders of all worktrees that git knows; '' is the main one's."""
    try:
        return {"", *os.listdir(f"{common_dir}/worktrees")}
    except FileNotFoundError:
        return {""}
