"""The blocks of ports that owners hold, so that no two of them share a port.

An owner is any text; here, the name of a worktree's folder in the repository. Blocks of owners that
live no longer are given up when another one is chosen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection

from bough.coordinator.store.connection import snapshot, transaction
from bough.coordinator.store.text import bound


def held(connection: sqlite3.Connection, owner: str) -> range | None:
    """The block of an owner."""
    with snapshot(connection):
        return _all(connection).get(owner)


def settle(
    connection: sqlite3.Connection,
    owner: str,
    *,
    living: Callable[[], Collection[str]],
    choose: Callable[[Collection[range]], range | None],
) -> range | None:
    """Give the owner the block that `choose` picks, knowing those of the others that live.

    None if it picks none; the owner then holds none. Of several processes one chooses at a time.
    `living` is asked meanwhile: an answer from before would not know who came since.
    """
    with transaction(connection):
        blocks = _all(connection)
        alive = living()
        for other in blocks:
            if other == owner or other not in alive:
                connection.execute(
                    "DELETE FROM port_blocks WHERE owner = CAST(? AS TEXT)", (bound(other),)
                )
        taken = [block for other, block in blocks.items() if other != owner and other in alive]
        block = choose(taken)
        if block is not None:
            connection.execute(
                "INSERT INTO port_blocks (owner, first, size) VALUES (CAST(? AS TEXT), ?, ?)",
                (bound(owner), block.start, len(block)),
            )
    return block


def _all(connection: sqlite3.Connection) -> dict[str, range]:
    rows = connection.execute("SELECT owner, first, size FROM port_blocks").fetchall()
    return {row["owner"]: range(row["first"], row["first"] + row["size"]) for row in rows}
