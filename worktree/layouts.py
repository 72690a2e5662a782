"""Where a branch's worktree goes: named layouts, or a template of the person's own.

Pure: text in, text out. Values are inserted once: a branch called `{repo}` is no placeholder.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Mapping

from bough.coordinator.errors import UsageError
from bough.worktree.names import slug

DEFAULT_LAYOUT = "sibling"
NESTED_FOLDER = ".worktrees"

LAYOUTS: Mapping[str, str] = {
    "sibling": "../{repo}.{branch_slug}",
    "contained": "{repo_path}/{branch}",
    "contained-flat": "{repo_path}/{branch_slug}",
    "nested": "{repo_path}/" + NESTED_FOLDER + "/{branch_slug}",
    "centralized": "{data_dir}/worktrees/{repo}/{branch_slug}",
}
"""Templates; a relative one counts from the repository's folder."""

_PLACEHOLDERS = ("repo", "repo_path", "branch", "branch_slug")
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


def chosen_layout(
    *, flag: str | None, git_config: str | None, trusted_config: str | None, user_config: str | None
) -> str:
    """Who decides: the flag, `bough.layout` of git's configuration, a trusted `bough.yml`, the
    user's own configuration, else `sibling`. An empty value decides nothing."""
    return flag or git_config or trusted_config or user_config or DEFAULT_LAYOUT


def worktree_path(
    layout: str,
    *,
    repo_name: str,
    repo_path: str,
    branch: str,
    data_dir: str,
    distinct: bool = False,
) -> str:
    """The absolute path of `branch`'s worktree.

    `repo_path` is the folder that layouts count from and `data_dir` bough's data folder, both
    absolute. `distinct` is for a branch whose slug differs from a neighbour's only by case. Raises
    `UsageError` for a layout that does not exist and a template that cannot be meant.
    """
    values = {
        "repo": repo_name,
        "repo_path": repo_path,
        "branch": branch,
        "branch_slug": slug(branch, distinct=distinct),
    }
    template = LAYOUTS.get(layout)
    if template is None:
        _check_template(layout)
        template = layout
    else:
        values["data_dir"] = data_dir
    filled = _BRACES.sub(lambda match: values[match[1]], template)
    return posixpath.normpath(posixpath.join(repo_path, filled))


def _check_template(layout: str) -> None:
    known = ", ".join(LAYOUTS)
    if "/" not in layout and "{" not in layout:
        close = difflib.get_close_matches(layout, LAYOUTS, n=1)
        raise UsageError(
            f"there is no layout {layout!r}",
            hint=(f"Did you mean {close[0]}? " if close else "")
            + f"Layouts: {known}; or a template such as '../{{repo}}-{{branch_slug}}'.",
        )
    names = {match[1] for match in _BRACES.finditer(layout)}
    for name in names:
        if name not in _PLACEHOLDERS:
            shown = "a brace of its own" if name is None else f"{{{name}}}"
            raise UsageError(
                f"the layout {layout!r} contains {shown}",
                hint="Placeholders: " + ", ".join(f"{{{known}}}" for known in _PLACEHOLDERS),
            )
    if not names & {"branch", "branch_slug"}:
        raise UsageError(
            f"the layout {layout!r} gives every branch the same folder",
            hint=f"Add {{branch_slug}} to it: '{layout.rstrip('/')}/{{branch_slug}}'",
        )
