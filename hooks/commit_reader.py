"""Reads configuration files as a commit has them, for a worktree that does not exist yet.

What a pre-create gate runs must be what the commit says, whatever lies in today's folders. Symbolic
links are followed inside the commit alone; one that leads out of it is an error, not a way out.
"""

from __future__ import annotations

import os

from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError, Problem
from bough.hooks.git import git
from bough.hooks.repository import Repository


class CommitReader:
    """The files of `commit` (a full id). It remembers what lies at the root, to spare git calls."""

    def __init__(self, repo: Repository, commit: str) -> None:
        self._cwd = repo.cwd
        self._commit = commit
        self._root: frozenset[str] | None = None

    @property
    def label(self) -> str:
        """The place, for people."""
        return f"commit {self._commit[:12]}"

    def read(self, path: str) -> bytes | None:
        """The bytes of the file at `path`, relative to the root; None if nothing is there.

        `ConfigError` for what is no regular file inside the commit, or larger than 1 MiB.
        """
        path = os.path.normpath(path)
        if path.startswith(("/", "../")):
            raise self._problem(path, "it is outside of the worktree")
        if path.split("/")[0] not in self._names():
            return None
        # A path may contain newlines: hence -z.
        answer = git(
            *("cat-file", "-z", "--follow-symlinks"),
            "--batch-check=%(objecttype) %(objectsize) %(objectname)",
            cwd=self._cwd,
            input=os.fsencode(f"{self._commit}:{path}\0"),
        )
        kind, _, rest = answer.text.partition(" ")
        if kind == "blob":
            size, _, name = rest.partition(" ")
            if int(size) > MAX_FILE_BYTES:
                raise self._problem(path, f"it is larger than {MAX_FILE_BYTES} bytes")
            return git("cat-file", "blob", name, cwd=self._cwd).stdout
        if answer.text.endswith(" missing") or kind == "notdir":
            return None
        why = "it is a folder" if kind == "tree" else "it is a link that leads to no file in there"
        raise self._problem(path, why)

    def _names(self) -> frozenset[str]:
        if self._root is None:
            listing = git(
                "ls-tree", "-z", "--full-tree", "--name-only", self._commit, cwd=self._cwd
            )
            self._root = frozenset(listing.fields)
        return self._root

    def _problem(self, path: str, why: str) -> ConfigError:
        message = f"cannot be read from {self.label}: {why}"
        return ConfigError([Problem(path=path, line=1, column=1, message=message)])
