"""The modules of what has to start at once import none of the modules that would slow them down.

Each is imported in a bare interpreter (`-I -S`), where nothing but the standard library and bough
is to be had, as the real entries do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT, package, says
from tests.support.commands import run

ENTRIES = frozenset(
    {
        "bough.coordinator.logs.writer",
        "bough.coordinator.supervisor",
        "bough.worktree.cli.complete",
        "bough.worktree.cli.entry",
    }
)
"""Light whatever they say of themselves; a module that begins a paragraph with `Light:` is, too."""

HEAVY = frozenset(
    {
        "argparse",
        "asyncio",
        "contextlib",
        "dataclasses",
        "git",
        "importlib.metadata",
        "inspect",
        "logging",
        "pathlib",
        "platformdirs",
        "psutil",
        "pydantic",
        "rich",
        "shutil",
        "sqlite3",
        "subprocess",
        "tempfile",
        "typer",
        "typing",
        "yaml",
    }
)

_SCRIPT = """
import sys
before = set(sys.modules)
sys.path.append(sys.argv[1])
__import__(sys.argv[2])
sys.stdout.write("\\n".join(set(sys.modules) - before))
"""


def heavy_imports(source: Path, module: str) -> set[str]:
    """Which of the heavy modules are there after `module` was imported from `source`."""
    command = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(source), module]
    return set(run(command).ok().stdout.split()) & HEAVY


def claimed() -> set[str]:
    return {module.name for module in package() if says(module, "Light")}


@pytest.mark.parametrize("module", sorted(ENTRIES | claimed()))
def test_a_light_module_imports_nothing_heavy(module: str) -> None:
    assert heavy_imports(ROOT / ".src", module) == set()


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text("import other, os\n")
    (tmp_path / "other.py").write_text("import dataclasses\n")
    assert "dataclasses" in heavy_imports(tmp_path, "entry")
    (tmp_path / "other.py").write_text("")
    assert heavy_imports(tmp_path, "entry") == set()
