"""Which block of ports a worktree gets.

Pure: settings and blocks in, a block out. A block is a `range` of port numbers. It depends on the
repository and the branch alone as long as nobody else has it, so that a worktree that is made again
finds its ports again; a block that is taken is passed, and no two worktrees share a port.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from bough.hooks.config.derived import Ports


def fits(ports: Ports, block: range) -> bool:
    """Whether a block from earlier is still what the settings ask for."""
    return len(block) == ports.size and ports.low <= block[0] and block[-1] <= ports.high


def choose(ports: Ports, *, salt: str, slug: str, taken: Collection[range]) -> range | None:
    """The first block that overlaps none of `taken`, from a place that the hash says; None: full.

    `salt` stands in for that of the settings if they have none.
    """
    seed = f"{ports.salt or salt}\0{slug}".encode("utf-8", "surrogateescape")
    start = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big")
    for step in range(ports.blocks):
        first = ports.low + (start + step) % ports.blocks * ports.size
        block = range(first, first + ports.size)
        if not any(_overlap(block, other) for other in taken):
            return block
    return None


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def numbers(ports: Ports, block: range) -> dict[str, int]:
    """The port of each name."""
    return {name: block[offset] for name, offset in ports.offsets}
