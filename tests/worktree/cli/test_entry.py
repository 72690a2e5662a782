"""Where every command begins: what errors look like, which status they have, what a bug leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bough.coordinator.errors import BoughError, Exit
from bough.worktree.cli import entry
from tests.support.commands import Bough, Finished, run

FAILING = """\
import sys
from bough.worktree.cli import entry
def fail(arguments):
    {body}
entry._dispatch = fail
entry.main()
"""


def failing(body: str, *arguments: str, **env: str) -> Finished:
    """The entry with a command that does `body`, since no command of bough's has a bug at hand."""
    script = FAILING.format(body=body)
    return run([sys.executable, "-c", script, *arguments], env=env)


def test_an_error_is_what_happened_and_what_to_type(bough: Bough) -> None:
    done = bough("list")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"bough: \S+ is not in a git repository\n  cd into one, or make one: git init\n",
        done.stderr,
    )


def test_an_error_in_json_is_an_object_on_stderr(bough: Bough) -> None:
    done = bough("list", "--format", "json")
    assert (done.returncode, done.stdout) == (1, "")
    error = json.loads(done.stderr)["error"]
    assert error == {
        "code": "NOT_A_REPOSITORY",
        "exit": 1,
        "message": f"{os.getcwd()} is not in a git repository",
        "hint": "cd into one, or make one: git init",
    }


def test_an_error_without_a_hint_is_one_line() -> None:
    done = failing("from bough.coordinator.errors import BoughError; raise BoughError('no')")
    assert (done.returncode, done.stderr) == (1, "bough: no\n")


@pytest.mark.parametrize("kind", list(Exit))
def test_the_status_is_that_of_the_error(kind: Exit) -> None:
    class Failure(BoughError):
        exit = kind

    assert entry._told(Failure("x"), []) == int(kind)


def test_a_bug_leaves_a_crash_log_and_its_path(tmp_path: Path) -> None:
    done = failing("raise ZeroDivisionError('half')", "list", "--all", TMPDIR=str(tmp_path))
    assert done.returncode == 70
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("bough: a bug: ZeroDivisionError: half\n")
    (log,) = tmp_path.glob("bough-crash-*.txt")
    assert f"The crash log is {log}; please report it" in done.stderr
    text = log.read_text()
    assert "['list', '--all']" in text
    assert "Traceback" in text
    assert "ZeroDivisionError: half" in text
    assert log.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_is_130_without_a_word() -> None:
    done = failing("raise KeyboardInterrupt")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        script = "sys.stdout.write('x' * 100000); sys.stdout.flush()"
        done = subprocess.run(
            [sys.executable, "-c", FAILING.format(body=script)],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_names_that_are_no_text_are_printed_as_their_bytes() -> None:
    body = "sys.stdout.write('\\udcff'); sys.stderr.write('\\udcfe'); return 0"
    done = failing(body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\udcff", "\udcfe")


def test_the_version_is_said(bough: Bough) -> None:
    assert re.fullmatch(r"bough \d+\.\d+\.\d+\n", bough("--version").ok().stdout)


def test_git_knows_bough_as_a_command_of_its_own() -> None:
    assert run(["git", "bough", "--version"]).ok().stdout.startswith("bough ")
