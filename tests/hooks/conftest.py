"""What tests of git's hooks share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hooks.recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What the shims take for bough."""
    made = Recorder(tmp_path / "recorder")
    monkeypatch.setenv("BOUGH_BIN", str(made.path))
    return made


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A PATH with git and what the shims need, but without any bough."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("git", "cat", "sh", "mkdir"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return str(folder)
