"""The few questions that completion asks the database, without the weight of the real store.

Light: `_sqlite3` and `os` alone. Reading here creates and changes no file, not even SQLite's own
`-wal` and `-shm`, and gives up quietly on whatever is unexpected: no answer is a good answer for
somebody who pressed Tab.
"""

from __future__ import annotations

import os
import sys

from bough.coordinator.store.text import decode

ACTIVE = ("queued", "starting", "running", "cancelling")

_RECENT = """
    SELECT jobs.name, invocations.id, invocations.worktree_name, jobs.status
    FROM jobs JOIN invocations ON invocations.key = jobs.invocation_key
    ORDER BY jobs.id DESC LIMIT ?
"""
_BUSY_S = 0.1


def state_folders(repo_id: str) -> list[str]:
    """Where `places.for_repository` may have put this repository's state, the likeliest first.

    platformdirs would cost more than all the rest. Its versions differ in whether they heed
    XDG_STATE_HOME on macOS, so there both places are possible.
    """
    roots = [os.environ.get("BOUGH_STATE_DIR", "")]
    if not roots[0]:
        local = "Library/Application Support" if sys.platform == "darwin" else ".local/state"
        homes = (os.environ.get("XDG_STATE_HOME", ""), os.path.expanduser(f"~/{local}"))
        roots = [f"{home}/bough" for home in homes if home]
    return [f"{root}/repos/{repo_id}" for root in roots if root.startswith("/")]


def recent_jobs(folder: str, limit: int) -> list[tuple[str, str, str, str]]:
    """Name, invocation, worktree's name and status of the newest `limit` jobs, newest first.

    `folder` is the repository's state folder. Empty when there is no database that can be read.
    """
    path = f"{folder}/coordinator.db"
    if not os.path.isfile(path):
        return []
    import _sqlite3

    try:
        rows = _read(path, limit)
    except _sqlite3.Error:
        return []
    return [(name, invocation, worktree, status) for name, invocation, worktree, status in rows]


def _read(path: str, limit: int) -> list[tuple[str, str, str, str]]:
    import _sqlite3

    connection = _sqlite3.connect(_uri(path), timeout=_BUSY_S, uri=True)
    try:
        connection.text_factory = decode
        return connection.execute(_RECENT, (limit,)).fetchall()
    finally:
        connection.close()


def _uri(path: str) -> str:
    """How to open `path` so that nothing is created.

    A reader of a closed database would make a `-wal` and a `-shm` of its own, unless it takes the
    file as immutable; one that is in use has both already.
    """
    in_use = os.path.exists(f"{path}-wal") and os.path.exists(f"{path}-shm")
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}?{'mode=ro' if in_use else 'immutable=1'}"
