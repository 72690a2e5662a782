"""Where configuration comes from: files with their bytes, and who can read them.

Pure: values, a protocol and a hash. What is hashed is what is used: a `Source` carries the very
bytes that are parsed, so nothing can change between the question of trust and the use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MAX_FILE_BYTES = 1024 * 1024
"""No configuration file is larger; a reader need not read on."""


class Reader(Protocol):
    """Reads configuration files of one place: a worktree's folder, or a commit."""

    @property
    def label(self) -> str:
        """The place, for people."""

    def read(self, path: str) -> bytes | None:
        """The bytes at `path`, relative to the worktree's root; None if nothing is there.

        At most `MAX_FILE_BYTES` + 1 bytes. ConfigError if something is there that is not a regular
        file inside the place, or cannot be read.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file that takes part. `local`: it is the user's own, or named by the user's own.

    `executed`: it is a script, or `rc`, that jobs run; the others are parsed.
    """

    path: str
    data: bytes
    local: bool
    executed: bool = False

    @property
    def sha256(self) -> str:
        """The hash of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


def fingerprint(sources: Iterable[Source]) -> str:
    """One hash over names, bytes and order of `sources`, in hex; '' for none."""
    digest = hashlib.sha256()
    empty = True
    for source in sources:
        empty = False
        path = source.path.encode("utf-8", "surrogateescape")
        for part in (path, source.data):
            digest.update(b"%d:" % len(part))
            digest.update(part)
    return "" if empty else digest.hexdigest()
