"""What jobs are executed with, tried with the real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bough.coordinator import jobfolder
from bough.hooks.commands import Executable, executable
from bough.hooks.config.model import Job, Script
from bough.hooks.templates import NAMES

HOSTILE = "a $(touch pwned) 'b' \"c\" `d`\nd;e|f&"
VALUES = dict.fromkeys(NAMES, HOSTILE)


def made(job: Job, *arguments: str) -> Executable:
    return executable(job, "linux", VALUES, {}, arguments, "/place")


def output(tmp_path: Path, command: Executable) -> str:
    """What the command prints when it runs as an executor runs it."""
    folder = str(tmp_path / "jobs" / "job")
    jobfolder.prepare(folder, command.files)
    done = subprocess.run(
        command.argv,
        cwd=tmp_path,
        env={**os.environ, **dict(command.env), jobfolder.JOB_DIR: folder},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert not (tmp_path / "pwned").exists()
    return done.stdout


def job(run: str = "", **known: object) -> Job:
    return Job(name="j", run=(("linux", run),), **known)  # type: ignore[arg-type]  # fields of a Job


SHOW = b'#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done; echo " $BOUGH_SCRIPT_DIR"\n'


def script(**known: object) -> Job:
    fields: dict[str, object] = {"path": "tools/show.sh", "data": SHOW, **known}
    return job(script=Script(**fields))  # type: ignore[arg-type]  # fields of a Script


def test_a_script_gets_its_arguments_as_words(tmp_path: Path) -> None:
    command = made(script(args=("a b", "{branch}", "x{0}", "{0}", "{2}")), "one", "t w o")
    printed = output(tmp_path, command)
    assert printed == f"<a b><{HOSTILE}><xone t w o><one><t w o><t w o> /place/tools\n"
    assert command.text.startswith("tools/show.sh 'a b' ")


def test_a_script_is_given_to_its_runner(tmp_path: Path) -> None:
    data = b"import sys; print(sys.argv[1:], sys.flags.isolated)"
    command = made(script(path="x.py", data=data, runner=("python3", "-I"), args=("{branch}",)))
    assert output(tmp_path, command) == f"{[HOSTILE]} 1\n"


@pytest.mark.parametrize(
    "name", ["a b", "it's", "$(touch pwned)", "-n", "new\nline", "rc", "é\udcff"]
)
def test_a_script_may_be_called_anything(tmp_path: Path, name: str) -> None:
    assert output(tmp_path, made(script(path=name))) == " /place/\n"


def test_a_script_keeps_every_byte(tmp_path: Path) -> None:
    data = b"#!/bin/cat\n" + bytes(range(128, 256)) + b"\0\r\n"
    command = made(script(data=data))
    folder = str(tmp_path / "job")
    jobfolder.prepare(folder, command.files)
    copy = tmp_path / "job/files/script/show.sh"
    assert copy.read_bytes() == data
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o700, 0o700)


def test_a_script_without_a_first_line_is_for_sh(tmp_path: Path) -> None:
    assert output(tmp_path, made(script(data=b"echo plain"))) == "plain\n"


def test_rc_is_read_before_commands_and_scripts(tmp_path: Path) -> None:
    rc = b"GREETING=hello; export GREETING\ngreet() { echo $GREETING; }"
    assert output(tmp_path, made(job("greet", rc=rc))) == "hello\n"
    plain = made(job("greet", rc=rc))
    assert plain.text == "greet"
    of_script = job(rc=rc, script=Script(path="s", data=b"echo $GREETING $1", args=("{1}",)))
    assert output(tmp_path, made(of_script, "you")) == "hello you\n"


def test_rc_that_fails_on_purpose_keeps_the_command_from_running(tmp_path: Path) -> None:
    command = made(job("touch ran", rc=b"exit 3"))
    with pytest.raises(subprocess.CalledProcessError) as failed:
        output(tmp_path, command)
    assert failed.value.returncode == 3
    assert not (tmp_path / "ran").exists()
