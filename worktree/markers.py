"""The marker file in a worktree's own folder in the repository, `bough-worktree`.

It tells a worktree that bough knows from one that plain git has just made, and a worktree from
another that took over its folder's name after a removal. It survives moves, `gc`, `prune` and
`repair`, and goes with the worktree. Of all processes that see a new worktree exactly one creates
it: that one fires the creation.
"""

from __future__ import annotations

import os

from bough.coordinator.places import PlaceError
from bough.hooks.own_folder import own_folder
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository, WorktreeEntry, admin_dir

MARKER = "bough-worktree"
"""The git shims look for it, too."""


def mark(repo: Repository, entry: WorktreeEntry) -> bool:
    """Create the marker with a random id: True for the one process that did."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = os.open(_path(repo, entry), flags, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise PlaceError(
            f"the worktree {shown_path(entry.path)} cannot be marked as known: {error.strerror}",
            hint=f"bough writes a small file into {os.path.dirname(_path(repo, entry))}.",
        ) from error
    with open(fd, "w", encoding="ascii") as file:
        file.write(f"{os.urandom(16).hex()}\n")
    return True


def marker(repo: Repository, entry: WorktreeEntry) -> str | None:
    """The id in the marker; None if there is no marker."""
    try:
        with open(_path(repo, entry), encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def _path(repo: Repository, entry: WorktreeEntry) -> str:
    home = own_folder(repo) if entry.is_main else admin_dir(repo, entry)
    return f"{home}/{MARKER}"
