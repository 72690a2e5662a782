"""Creating worktrees as bough does it, for the tests that need some."""

from __future__ import annotations

import os
from pathlib import Path

from bough.hooks.repository import Repository, discover
from bough.worktree.creation import Creation, create, resolve_existing, resolve_new
from bough.worktree.placement import Placement
from tests.support.repos import Repo


def seen(repo: Repo) -> Repository:
    """The repository as bough finds it."""
    return discover(str(repo.path))


def placement(repo: Repo, layout: str) -> Placement:
    return Placement(layout=layout, data_dir=f"{repo.path.parent}/data")


def new(repo: Repo, branch: str, base: str | None = None, layout: str = "sibling") -> Creation:
    return resolve_new(seen(repo), branch, base=base, placement=placement(repo, layout))


def existing(repo: Repo, branch: str, track: str | None = None) -> Creation:
    return resolve_existing(seen(repo), branch, track=track, placement=placement(repo, "sibling"))


def started(repo: Repo, branch: str, base: str | None = None, layout: str = "sibling") -> Repo:
    """A worktree with a new branch."""
    return Repo(path=Path(create(seen(repo), new(repo, branch, base, layout)).entry.path))


def state(repo: Repo) -> tuple[str, str, str, list[str]]:
    """All that a creation may change."""
    return (
        repo.out("for-each-ref"),
        repo.out("worktree", "list", "--porcelain"),
        repo.out("config", "--local", "--list"),
        sorted(os.listdir(repo.path.parent)),
    )
