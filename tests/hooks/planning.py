"""Facts and plans for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bough.coordinator.model import NewJob, Owner
from bough.hooks.config.build import config_from_data
from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.plan import Facts, Plan, plan


class Files:
    """Configuration files that exist only here."""

    label = "here"

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        data = self._files.get(path)
        return data.encode() if isinstance(data, str) else data


def loaded(main: str | bytes, **others: str) -> Config:
    """The configuration of a `bough.yml`; in other names `__` stands for a dot."""
    files = {name.replace("__", "."): text for name, text in others.items()}
    config = load(Files({"bough.yml": main, **files}))
    assert config is not None
    again = config_from_data(config.merged, config.sources)
    assert again == config, "a cached configuration must be the same"
    return config


def facts(event: str, **changes: Any) -> Facts:
    """Facts about an ordinary firing, but for `changes`."""
    ordinary: dict[str, Any] = {
        "event": event,
        "branch": "feat/x",
        "branch_slug": "feat-x",
        "worktree_path": "/w/repo.feat-x",
        "worktree_name": "repo.feat-x",
        "main_path": "/w/repo",
        "repo": "repo",
        "repo_id": "11-22",
        "git_common_dir": "/w/repo/.git",
        "base_branch": "main",
        "commit": "c0ffee",
        "command": "bough start feat/x",
        "invocation": "0123456789abcdef",
        "os": "linux",
        "arch": "x86_64",
    }
    return Facts(**{**ordinary, **changes})


def planned(
    text: str,
    event: str = "worktree-post-create",
    selectors: tuple[str, ...] = (),
    override: Owner | None = None,
    **changes: Any,
) -> Plan:
    """The plan for `event` of the configuration `text`."""
    hook = loaded(text).for_event(event)
    assert hook is not None
    return plan(hook, event, facts(event, **changes), selectors, override)


def planned_jobs(
    text: str,
    event: str = "worktree-post-create",
    selectors: tuple[str, ...] = (),
    override: Owner | None = None,
    **changes: Any,
) -> dict[str, NewJob]:
    """The rows of that plan by name, in its order."""
    return {row.spec.name: row for row in planned(text, event, selectors, override, **changes).jobs}


def only_job(job: str, event: str = "worktree-post-create", **changes: Any) -> NewJob:
    """The row of the one job that the flow mapping `job` describes."""
    (row,) = planned(f"hooks: {{{event}: {{jobs: [{job}]}}}}", event, **changes).jobs
    return row
