"""What a shim may know without asking bough: which of git's hooks a configuration declares.

A small file in the worktree's own folder in the repository, for `shim.sh`: the declared hooks, the
files that say so, and their checksum. A shim believes it only while the very bytes of those files
have that checksum and no other file has joined them; so a stale one costs a start of bough, never a
hook.
"""

from __future__ import annotations

import re
import subprocess

from bough.hooks.config.model import Config
from bough.hooks.events import git_hook_of_event
from bough.hooks.own_folder import write_private

EVENTS_FILE = "bough-events"
_PLAIN = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]*")
"""Names that `sh` can keep in a list."""


def note(home: str, config: Config) -> None:
    """Leave word in the worktree's folder `home`; best effort, as without it all still works."""
    sources = [source for source in config.sources if not source.executed]
    if not all(_PLAIN.fullmatch(source.path) for source in sources):
        return
    hooks = [hook for event in config.hooks if (hook := git_hook_of_event(event))]
    try:
        # The tool that the shim uses, over the bytes that were parsed.
        checksum = subprocess.run(
            ["cksum"],
            input=b"".join(source.data for source in sources),
            capture_output=True,
            check=True,
            timeout=10,
        ).stdout
        names = " ".join(source.path for source in sources)
        content = f"{' '.join(hooks)}\n{names}\n".encode() + checksum
        path = f"{home}/{EVENTS_FILE}"
        if _read(path) != content:
            write_private(path, content)
    except (OSError, subprocess.SubprocessError):
        return


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
