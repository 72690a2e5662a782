"""Commands are collected to their end, limited in time, and found out when they leave a holder."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support import running as running_module
from tests.support.commands import run
from tests.support.running import Running
from tests.support.waiting import wait_until


def test_both_outputs_and_the_exit_code_come_back() -> None:
    finished = run(["sh", "-c", "cat; printf '\\377' >&2; exit 3"], stdin="in")
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, "in", "\udcff")


def test_a_death_by_signal_is_told_as_a_shell_does() -> None:
    assert run(["sh", "-c", "kill -TERM $$"]).returncode == 143


def test_a_command_out_of_time_is_killed_with_its_group() -> None:
    with pytest.raises(AssertionError, match=r"did not end within 0\.3 s(.|\n)*before"):
        run(["sh", "-c", "echo before; sleep 60; true"], timeout=0.3)


def test_who_keeps_the_output_open_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "HOLD_S", 0.3)
    with pytest.raises(AssertionError, match="holds its output"):
        run(["sh", "-c", "sleep 60 & echo left"])


def test_a_terminal_is_a_controlling_terminal() -> None:
    running = Running(
        ["sh", "-c", "read answer; test -t 0 && test -t 1 && echo got $answer >/dev/tty"],
        cwd=None,
        env=os.environ,
        stdin="yes\n",
        tty=True,
    )
    ended = running.finish(10)
    assert (ended.exit, ended.trouble) == (0, "")
    assert b"got yes" in ended.stdout


def test_a_signal_reaches_the_whole_group(tmp_path: os.PathLike[str]) -> None:
    script = "(trap 'echo inner; exit' INT; touch ready; while :; do sleep 0.05; done); echo never"
    running = Running(["sh", "-c", script], cwd=tmp_path, env=os.environ)
    wait_until(lambda: os.path.exists(f"{os.fspath(tmp_path)}/ready"), what="the trap")
    running.signal(signal.SIGINT)
    ended = running.finish(10)
    assert (ended.exit, ended.stdout) == (130, b"inner\n")
