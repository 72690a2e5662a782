"""What a job inherits of the environment of the command that fired it, and how deep jobs may nest.

Pure: mappings in, mappings out.
"""

from __future__ import annotations

from collections.abc import Mapping

from bough.coordinator.errors import BoughError
from bough.hooks.events import git_hook_of_event
from bough.hooks.gitvariables import LOCAL_ENV_VARS

EXPECTED_PATH = "BOUGH_EXPECTED_PATH"
"""Names, for git's hooks, the path of a worktree that bough is making itself; set only when the
store, where such a change is announced, cannot be used."""
_NEVER_INHERITED = (
    "BOUGH_CD_FILE",
    EXPECTED_PATH,
    "BOUGH_SCRIPT_DIR",
    "BOUGH_SKIP",
    "BOUGH",
)
_DEPTH = "BOUGH_DEPTH"
MOST_NESTED = 8


class NestedTooDeep(BoughError):
    """Jobs that call bough that runs jobs that call bough …"""

    code = "NESTED"


def refuse_depth(env: Mapping[str, str]) -> None:
    """Raise NestedTooDeep for a command that is itself the job of a job of a job …"""
    if _depth(env) >= MOST_NESTED:
        raise NestedTooDeep(
            f"jobs call bough that runs jobs, {MOST_NESTED} levels deep; this looks endless",
            hint="A job that creates worktrees can pass --skip-hooks all.",
        )


def environment(env: Mapping[str, str], *, keep_git: bool) -> dict[str, str]:
    """What jobs inherit: all but what is between bough and its caller, and git and its hook."""
    dropped = set(_NEVER_INHERITED)
    if not keep_git:
        dropped |= set(LOCAL_ENV_VARS)
    inherited = {name: value for name, value in env.items() if name not in dropped}
    inherited[_DEPTH] = str(_depth(env) + 1)
    return inherited


def hook_environment(env: Mapping[str, str], event: str, top: str) -> dict[str, str]:
    """What foreground jobs inherit within one of git's hooks, in the worktree at `top`.

    Only the jobs of git's own event may see its repository variables. An event about another
    worktree, fired from within that hook, must not: with them, a job's `git worktree add` would
    replace the index of the commit that is being made.
    """
    if git_hook_of_event(event) is None:
        return environment(env, keep_git=False)
    inherited = environment(env, keep_git=True)
    if "GIT_DIR" in inherited:
        # Without it, git takes the folder that it runs in for the top of the worktree.
        inherited.setdefault("GIT_WORK_TREE", top)
    return inherited


def _depth(env: Mapping[str, str]) -> int:
    text = env.get(_DEPTH, "")
    return int(text) if text.isascii() and text.isdigit() else 0
