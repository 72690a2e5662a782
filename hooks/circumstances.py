"""What is looked up for one firing before it is planned: facts, lists of files, the environment."""

from __future__ import annotations

import platform
import shutil
from typing import TYPE_CHECKING

from bough.hooks.environment import environment, hook_environment
from bough.hooks.events import git_hook_of_event
from bough.hooks.filelists import listed
from bough.hooks.plan import Facts, required_tools

if TYPE_CHECKING:  # its types only; it imports this module
    from bough.hooks.firing import Ground, Occasion, Terms


def facts_of(ground: Ground, terms: Terms, occasion: Occasion, invocation: str) -> Facts:
    """What the plan of this firing is made from."""
    site = occasion.site
    tools = required_tools(occasion.hook)
    path = terms.env.get("PATH")
    return Facts(
        event=occasion.event,
        invocation=invocation,
        command=terms.command,
        branch=site.branch,
        branch_slug=site.branch_slug,
        worktree_path=site.path,
        worktree_name=site.name,
        cwd=site.cwd,
        main_path=ground.main_path,
        repo=ground.name,
        repo_id=ground.repo_id,
        git_common_dir=ground.common_dir,
        base_branch=site.base_branch,
        commit=site.commit,
        old_path=occasion.old_path,
        old_branch=occasion.old_branch,
        args=occasion.args,
        env=terms.env,
        os="macos" if platform.system() == "Darwin" else "linux",
        arch=platform.machine(),
        missing_tools=frozenset(tool for tool in tools if shutil.which(tool, path=path) is None),
        merging=site.merging,
        rebasing=site.rebasing,
        removal_reason=occasion.removal_reason,
    )


def with_lists(terms: Terms, occasion: Occasion, facts: Facts) -> Facts:
    """`facts` with the files that the jobs ask for. Runs commands of the configuration: it must be
    trusted."""
    env = inherited(terms, occasion)
    return listed(occasion.hook, facts, env, own_index=in_own_hook(terms, occasion))


def in_own_hook(terms: Terms, occasion: Occasion) -> bool:
    """Whether this is git's own event within git's own hook, whose index is the one that counts."""
    return terms.keep_git and git_hook_of_event(occasion.event) is not None


def inherited(terms: Terms, occasion: Occasion) -> dict[str, str]:
    """The environment that foreground jobs start from."""
    if terms.keep_git:
        return hook_environment(terms.env, occasion.event, occasion.site.path)
    return environment(terms.env, keep_git=False)
