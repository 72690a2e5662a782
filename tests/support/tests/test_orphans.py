"""A run whose shell is gone ends by itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tests.house.source import ROOT
from tests.support.commands import run
from tests.support.waiting import wait_until

PLANTED = """
import os
from pathlib import Path
from tests.support.waiting import wait_until

HERE = Path(__file__).parent
PARENT = os.getppid()

def test_during_which_the_shell_goes():
    (HERE / "begun").touch()
    wait_until(lambda: os.getppid() != PARENT, what="the end of the shell")

def test_that_nobody_wants_any_more():
    (HERE / "second").touch()
"""


def test_the_run_ends_with_the_shell_that_started_it(tmp_path: Path) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED)
    pytest = [sys.executable, "-m", "pytest", "-p", "tests.support.orphans", "-p", "no:randomly"]
    output = tmp_path / "output"
    script = (
        f"{shlex.join([*pytest, '-p', 'no:cacheprovider', str(planted)])} >output 2>&1 &"
        " while ! [ -e begun ]; do sleep 0.02; done"
    )
    run(["sh", "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}).ok()
    wait_until(lambda: "Exit: the shell that started this run is gone" in output.read_text())
    assert not (tmp_path / "second").exists()
