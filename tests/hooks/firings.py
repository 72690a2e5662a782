"""One event, declared as in bough.yml and fired in the sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from bough.hooks.events import POST_CREATE
from bough.hooks.firing import (
    Fired,
    Ground,
    Occasion,
    Site,
    Terms,
    fire,
)
from bough.hooks.happenings import Happening, Noted
from tests.hooks.planning import loaded
from tests.support.engine import Engine

MISSING: dict[str, Any] = {"requires": ["no-such-tool"]}
"""A condition that is not met."""


def declared(name: str, run: str = "true", **keys: Any) -> dict[str, Any]:
    """A job as bough.yml declares it."""
    return {"name": name, "run": run, **keys}


class Firing:
    """One event in the sandbox's work folder, fired as often as one likes."""

    def __init__(
        self,
        engine: Engine,
        *jobs: dict[str, Any],
        event: str = POST_CREATE,
        hook: Mapping[str, Any] | None = None,
        coordinator: Mapping[str, Any] | None = None,
        **terms: Any,
    ) -> None:
        self.engine = engine
        self.seen: list[Happening] = []
        written = {
            "hooks": {event: {**(hook or {}), "jobs": jobs}},
            "coordinator": coordinator or {},
        }
        self.config = loaded(json.dumps(written))
        folder = os.getcwd()
        self.ground = Ground(
            repo_id="repository",
            name="repo",
            common_dir=f"{folder}/.git",
            main_path=folder,
            places=engine.places,
        )
        declared_hook = self.config.for_event(event)
        assert declared_hook is not None
        self.occasion = Occasion(
            event=event,
            site=Site(path=folder, cwd=folder, branch="main", commit="c0ffee"),
            config=self.config,
            hook=declared_hook,
        )
        fields: dict[str, Any] = {
            "command": "bough start x",
            "observe": self.seen.append,
            "env": dict(os.environ),
            "consent": lambda _config, _standing: True,
        }
        self.terms = Terms(**(fields | terms))

    def __call__(self) -> Fired:
        return fire(self.ground, self.terms, self.occasion)

    def of(self, kind: type[Happening]) -> list[Any]:
        return [happening for happening in self.seen if isinstance(happening, kind)]

    def notes(self) -> list[str]:
        return [happening.text for happening in self.of(Noted)]


def statuses(fired: Fired) -> dict[str, str]:
    """The jobs by name, each with what it came to."""
    return {job.name: job.status.value for job in fired.jobs}
