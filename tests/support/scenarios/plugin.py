"""Scenario files as pytest tests: one item per file, found by `pytest_collect_file`.

A file that cannot be read is a failing test, not an error of the whole run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.leaks import Leak
from tests.support.orphans import pytest_runtest_logreport
from tests.support.scenarios.loading import load
from tests.support.scenarios.playing import ScenarioFailed, play
from tests.support.scenarios.reading import Malformed

__all__ = ["pytest_collect_file", "pytest_runtest_logreport"]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """pytest asks for each file what it holds."""
    if file_path.suffix != ".yml":
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A file with one scenario."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class ScenarioItem(pytest.Item):
    """The scenario as a test."""

    def runtest(self) -> None:
        play(load(self.path))

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        return self.path, 0, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own errors say all there is to say; anything else is a bug and shows its trace."""
        if isinstance(excinfo.value, (Malformed, ScenarioFailed, Leak)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)
