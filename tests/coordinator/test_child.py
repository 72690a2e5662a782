"""A forked child: nothing happens before its gate opens, and what it is made of when it does."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import kernel
from bough.coordinator.child import Child, fork_gated
from tests.support.engine import at_once, exit_of, forked, gone

ENV = {"PATH": os.defpath}


def fork(*argv: str, **known: Any) -> Child:
    fields: dict[str, Any] = {"cwd": os.getcwd(), "env": ENV, "umask": 0o022}
    return fork_gated(argv, **(fields | known))


def sh(script: str, **known: Any) -> Child:
    return fork("/bin/sh", "-c", script, **known)


def collect(child: Child) -> tuple[str, str, int]:
    """What it printed, and how it ended (minus the signal), once it has."""
    texts = []
    for fd in (child.stdout, child.stderr):
        os.set_blocking(fd, True)
        with os.fdopen(fd, "rb") as stream:
            texts.append(stream.read().decode())
    _pid, status = os.waitpid(child.pid, 0)
    return texts[0], texts[1], os.waitstatus_to_exitcode(status)


def released(child: Child) -> tuple[str, str, int]:
    assert child.release() == ""
    return collect(child)


# The gate.


def test_nothing_is_executed_before_the_gate_opens(tmp_path: Path) -> None:
    child = sh("echo ran > proof; exit 3", cwd=str(tmp_path))
    assert Path(f"/proc/{child.pid}/exe").resolve() == Path(sys.executable).resolve()
    assert list(tmp_path.iterdir()) == []
    assert released(child) == ("", "", 3)
    assert (tmp_path / "proof").read_text() == "ran\n"


def test_an_abandoned_child_ends_without_having_run(tmp_path: Path) -> None:
    child = sh("echo ran > proof", cwd=str(tmp_path))
    child.abandon()
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_dies_closes_the_gate(tmp_path: Path) -> None:
    def fork_and_die() -> None:
        child = sh("echo ran > proof", cwd=str(tmp_path))
        (tmp_path / "pid").write_text(str(child.pid))
        os.kill(os.getpid(), signal.SIGKILL)

    assert exit_of(forked(fork_and_die)) == -signal.SIGKILL
    gone(int((tmp_path / "pid").read_text()))
    assert [file.name for file in tmp_path.iterdir()] == ["pid"]


def test_the_gate_of_one_child_is_not_held_by_the_next(tmp_path: Path) -> None:
    first = sh("echo first > proof", cwd=str(tmp_path))
    second = sh("exit 0", cwd=str(tmp_path))
    first.abandon()  # would wait for ever if the second held its gate open
    assert released(second) == ("", "", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_was_killed_behind_its_gate_ends_as_one_that_was_killed_later() -> None:
    child = sh("echo ran")
    os.kill(child.pid, signal.SIGKILL)
    gone(child.pid)
    assert released(child) == ("", "", -signal.SIGKILL)


# What the child is.


def test_the_child_leads_a_session_and_group_of_its_own_before_it_is_returned() -> None:
    child = sh("exit 0")
    assert (os.getpgid(child.pid), os.getsid(child.pid)) == (child.pid, child.pid)
    assert kernel.group_members(child.pid) == [child.pid]
    child.abandon()


def test_the_child_can_be_ended_behind_its_gate_by_any_signal_its_parent_ignores() -> None:
    def parent() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            child = sh("exit 0")
            os.killpg(child.pid, number)
            gone(child.pid)
            child.discard()

    assert exit_of(forked(parent)) == 0


def test_signals_are_as_in_a_fresh_shell_whatever_the_parent_did() -> None:
    def status() -> dict[str, str]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1})
        out, _err, _code = released(fork("/bin/cat", "/proc/self/status"))
        lines = (line.split(":\t") for line in out.splitlines())
        return {line[0]: line[1] for line in lines if line[0] in {"SigIgn", "SigBlk", "SigCgt"}}

    if not os.path.exists("/proc/self/status"):
        pytest.skip("reads /proc")
    (found,) = at_once([status])
    assert found == dict.fromkeys(("SigIgn", "SigBlk", "SigCgt"), "0" * 16)


def test_the_parent_keeps_its_own_signal_mask() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    sh("exit 0").abandon()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_signal_of_the_parent_group_reaches_no_handler_of_the_parent_twice() -> None:
    """A child shares the parent's wakeup pipe until it has closed it."""

    def parent() -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        os.set_blocking(read, False)
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
        signal.set_wakeup_fd(write)
        for _ in range(30):
            pid = os.fork()
            if pid == 0:  # sends while the child is being forked
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                os.kill(os.getppid(), 0)
                os.killpg(os.getpgrp(), signal.SIGINT)
                os._exit(0)
            try:
                child = sh("exit 0")
            except OSError:
                child = None  # the signal ended it, as it ends what runs
            os.waitpid(pid, 0)
            if child is not None:
                child.abandon()
            assert len(os.read(read, 100)) == 1

    assert exit_of(forked(parent)) == 0


@contextmanager
def opened(path: Path, number: int) -> Iterator[None]:
    """A descriptor that carelessly passes through exec."""
    fd = os.open(path, os.O_RDONLY | os.O_CREAT)
    os.dup2(fd, number, inheritable=True)
    os.close(fd)
    try:
        yield
    finally:
        os.close(number)


def test_a_job_sees_its_three_descriptors_and_no_other(tmp_path: Path) -> None:
    script = (
        "import os; print(sorted(map(int, os.listdir('/dev/fd')))); print(os.readlink('/dev/fd/0'))"
    )
    with opened(tmp_path / "a", 77), opened(tmp_path / "b", 300):
        out, _err, _code = released(fork(sys.executable, "-I", "-S", "-c", script))
    descriptors, stdin = out.splitlines()
    assert descriptors == "[0, 1, 2, 3]"  # 3 is the listing itself
    assert stdin == "/dev/null"


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_parent_without_standard_descriptors_makes_a_child_with_them(
    closed: tuple[int, ...],
) -> None:
    def answer() -> tuple[str, str, int]:
        for fd in closed:
            os.close(fd)
        return released(sh("read line; echo out; echo err >&2; exit 5"))

    assert at_once([answer]) == [("out\n", "err\n", 5)]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_umask_is_the_one_that_was_asked_for(umask: int) -> None:
    assert released(sh("umask", umask=umask))[0] == f"{umask:04o}\n"


def test_the_environment_is_exactly_the_given_one() -> None:
    value = os.fsdecode(b"caf\xe9 $(x)\n'")
    child = fork("/usr/bin/env", "-0", env={"A": value, "PATH": "/nowhere"})
    assert child.release() == ""
    os.set_blocking(child.stdout, True)
    with os.fdopen(child.stdout, "rb") as stream:
        found = stream.read()
    os.close(child.stderr)
    os.waitpid(child.pid, 0)
    assert sorted(found.split(b"\0")) == [b"", b"A=caf\xe9 $(x)\n'", b"PATH=/nowhere"]


def test_words_pass_unchanged() -> None:
    words = ["a b", "-rf", "$(touch x)", "'\"", "", "*", "a\nb"]
    script = "import sys; print(sys.argv[1:])"
    assert released(fork(sys.executable, "-I", "-c", script, *words))[0] == f"{words}\n"


# What cannot be executed.


@pytest.mark.parametrize(
    ("argv", "known", "says"),
    [
        (("/no/such/program",), {}, "cannot execute /no/such/program: No such file or directory"),
        (("no-such-program",), {}, "cannot execute no-such-program: No such file or directory"),
        (("/",), {}, "cannot execute /: Permission denied"),
        (("/bin/true",), {"cwd": "/no/such/folder"}, "cannot enter /no/such/folder: No such file"),
        (("/bin/true",), {"cwd": "/bin/true"}, "cannot enter /bin/true: Not a directory"),
        (("/bin/echo", "a\0b"), {}, "cannot execute /bin/echo: embedded null byte"),
        (("/bin/true",), {"env": {"A=B": "x"}}, "cannot execute /bin/true: illegal environment"),
        (("/bin/true",), {"cwd": "/a\0b"}, "embedded null byte"),
    ],
)
def test_what_cannot_be_executed_says_why(
    argv: tuple[str, ...], known: dict[str, Any], says: str
) -> None:
    child = fork(*argv, **known)
    assert says in child.release()
    child.discard()


def test_a_program_is_found_on_the_path_of_the_job(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    assert released(fork("tool", env={"PATH": str(tmp_path)}))[0] == "found\n"


def test_without_descriptors_it_is_an_error_that_leaks_none() -> None:
    def parent() -> None:
        before = sorted(os.listdir("/dev/fd"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) + 4, hard))
        with pytest.raises(OSError, match="Too many open files") as error:
            sh("exit 0")
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert error.value.errno == errno.EMFILE
        assert sorted(os.listdir("/dev/fd")) == before

    assert exit_of(forked(parent)) == 0


def test_every_descriptor_of_the_parent_is_closed_in_the_end() -> None:
    before = sorted(os.listdir("/dev/fd"))
    released(sh("exit 0"))
    sh("exit 0").abandon()
    failed = fork("/no/such/program")
    failed.release()
    failed.discard()
    assert sorted(os.listdir("/dev/fd")) == before
