"""The terms on which events are fired, as far as environment and git configuration set them.

Without Typer and click, because git's hooks come through here, too.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from bough.coordinator.errors import UsageError
from bough.hooks.repository import Repository, read_config


def command_line(arguments: Sequence[str]) -> str:
    """What the person typed, as a shell would take it."""
    return shlex.join(["bough", *arguments])


def selectors(skip_hooks: Sequence[str]) -> tuple[str, ...]:
    """What `--skip-hooks` and `BOUGH_SKIP` say, unsplit."""
    return tuple(text for text in (*skip_hooks, os.environ.get("BOUGH_SKIP", "")) if text)


def fail_mode_of(repo: Repository) -> Callable[[str], str | None]:
    """Looks up `bough.hooks.<event>.failMode` in git's configuration."""

    def look_up(event: str) -> str | None:
        # After the removal of the worktree at hand its folder is no place for git to run in.
        at_hand = os.path.isdir(repo.cwd)
        seen = repo if at_hand else replace(repo, git_dir=repo.common_dir, top=None)
        return read_config(seen, f"bough.hooks.{event}.failMode")

    return look_up


def switched_off(repo: Repository) -> bool:
    """Whether `BOUGH=0` or `bough.hooks.enabled` says that no event is to fire."""
    if os.environ.get("BOUGH") == "0":
        return True
    enabled = read_config(repo, "bough.hooks.enabled")
    if enabled is None or enabled.lower() in {"true", "yes", "on", "1"}:
        return False
    if enabled.lower() in {"false", "no", "off", "0", ""}:
        return True
    raise UsageError(
        f"git config bough.hooks.enabled is {enabled!r}, which is neither true nor false",
        hint="git config bough.hooks.enabled true",
    )
