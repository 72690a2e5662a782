"""The suite fails on what would otherwise pass unseen: warnings, lost exceptions, survivors."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.house.source import ROOT
from tests.support.commands import run

PLANTED = """
import subprocess
import warnings

def test_clean():
    pass

def test_leaves_a_file_open():
    open(__file__)

def test_loses_an_exception():
    class Lost:
        def __del__(self):
            raise ValueError
    Lost()

def test_warns():
    warnings.warn("odd")

def test_leaves_a_process():
    subprocess.run("sleep 60 >/dev/null 2>&1 &", shell=True, check=True)
"""


def test_a_careless_test_fails(tmp_path: Path) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED)
    options = ["-c", ROOT / "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *map(str, options), str(planted)]
    result = run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    summary = result.stdout.splitlines()[-1]
    assert "3 failed, 2 passed, 1 error" in summary, str(result)
    blamed = set(re.findall(r"^(?:FAILED|ERROR) \S*::test_(\w+)", result.stdout, re.MULTILINE))
    assert blamed == {"leaves_a_file_open", "loses_an_exception", "warns", "leaves_a_process"}
    assert "sleep 60" in result.stdout
