"""What is installed is the package `bough`, whole, and none of the folders by its bare name."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.source import PACKAGE_FOLDERS, ROOT
from tests.support.commands import Finished, run

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel, built from this checkout without a download."""
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir"]
    run([*PIP, "wheel", *options, tmp_path, ROOT], timeout=120).ok()
    (built,) = tmp_path.glob("bough-*.whl")
    return built


def in_installed(target: Path, code: str) -> Finished:
    """Run `code` where nothing is to be had but the standard library and what is in `target`."""
    script = f"import sys; sys.path.append({str(target)!r}); {code}"
    return run([sys.executable, "-I", "-S", "-c", script], cwd=target)


@pytest.mark.slow
def test_an_installed_wheel_holds_bough_and_nothing_that_shadows_others(
    wheel: Path, tmp_path: Path
) -> None:
    target = tmp_path / "site"
    run([*PIP, "install", "--no-deps", "--no-index", "--target", target, wheel], timeout=120).ok()
    in_installed(target, "import bough.coordinator.errors, bough.hooks, bough.worktree").ok()
    for folder in PACKAGE_FOLDERS:
        missing = in_installed(target, f"import {folder}")
        assert f"No module named '{folder}'" in missing.stderr


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    expected = {"bough/__init__.py", "bough/py.typed"}
    for folder in PACKAGE_FOLDERS:
        expected |= {
            f"bough/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected
