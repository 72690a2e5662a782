"""Where a scenario takes place: its sandbox, its repository, and the commands that go on in it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commands import run
from tests.support.isolation import Sandbox
from tests.support.repos import Repo, make_repo
from tests.support.running import Running
from tests.support.scenarios.schema import RepoSpec


class StepFailed(AssertionError):
    """A step could not even be done: the message says what was wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The sandbox of one scenario. `repo` is a folder without git for `repo: none`."""

    sandbox: Sandbox
    repo: Repo
    commands: dict[str, Running] = field(default_factory=dict)
    """By the name that `as` gave them: those that no step has waited for yet."""

    @property
    def root(self) -> Path:
        """What a scenario calls its sandbox: all paths of expectations begin here."""
        return self.sandbox.work

    def folder(self, name: str | None) -> Path:
        """The folder that `in:` names, or the repository."""
        return self.repo.path if name is None else self.root / self.fill(name)

    def fill(self, text: str) -> str:
        """`text` with `{sandbox}`, `{repo}` and `{state}` replaced by their paths."""
        places = {"sandbox": self.root, "repo": self.repo.path, "state": self.sandbox.state}
        for name, path in places.items():
            text = text.replace(f"{{{name}}}", str(path))
        return text

    def environment(self) -> dict[str, str]:
        """What every step gets, so that jobs and scripts can say where they are, too."""
        return {
            **os.environ,
            "SANDBOX": str(self.root),
            "REPO": str(self.repo.path),
        }

    def command(self, name: str) -> Running:
        """A command in the background; StepFailed if there is none of that name (any more)."""
        if name not in self.commands:
            known = ", ".join(self.commands) or "none"
            raise StepFailed(f"no step {name!r} goes on in the background (those that do: {known})")
        return self.commands[name]


def build(sandbox: Sandbox, spec: RepoSpec | None) -> World:
    """Make the repository that a scenario begins with."""
    if spec is None:
        folder = sandbox.work / "repo"
        folder.mkdir()
        return World(sandbox=sandbox, repo=Repo(path=folder))
    repo = make_repo(sandbox.work / spec.name, spec.files or None)
    for name, files in spec.branches.items():
        repo.branch(name, files)
    if spec.remote:
        repo.with_origin(sandbox.work / "origin.git")
    for key, value in spec.config.items():
        repo.git("config", key, value).ok()
    repo.write(spec.uncommitted)
    world = World(sandbox=sandbox, repo=repo)
    if spec.trust:
        run(["bough", "trust", "--yes"], cwd=repo.path, env=world.environment()).ok()
    return world
