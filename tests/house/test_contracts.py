"""The import contracts hold, and a planted violation of each breaks it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.house.source import PACKAGE_FOLDERS, ROOT
from tests.support.commands import Finished, run
from tests.support.isolation import BIN

LAYERS = "worktree > hooks > coordinator"
CLI = "Nothing imports worktree.cli but itself"
PURE = "Pure modules reach nothing that has effects"


def lint(root: Path) -> Finished:
    config = str(root / "pyproject.toml")
    command = [str(BIN / "lint-imports"), "--config", config, "--no-cache"]
    return run(command, cwd=root, env={"PYTHONPATH": str(root / ".src")})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package as it is, to plant something into."""
    for folder in PACKAGE_FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=lambda *_: {"__pycache__"})
    shutil.copytree(ROOT / ".src", tmp_path / ".src", symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_are_kept(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, str(result)
    for contract in (LAYERS, CLI, PURE):
        assert f"{contract} KEPT" in result.stdout


@pytest.mark.parametrize(
    ("place", "planted", "broken"),
    [
        ("coordinator/planted.py", "import bough.hooks", LAYERS),
        ("hooks/planted.py", "import bough.worktree", LAYERS),
        ("worktree/planted.py", "import bough.worktree.cli", CLI),
        ("coordinator/transitions.py", "import subprocess", PURE),
        # Not directly, but through a module of our own.
        ("coordinator/transitions.py", "import bough.coordinator.clock", PURE),
    ],
)
def test_a_planted_import_breaks_its_contract(
    copy: Path, place: str, planted: str, broken: str
) -> None:
    with (copy / place).open("a", encoding="utf-8") as file:
        file.write(f"\n{planted}\n")
    result = lint(copy)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in result.stdout
