"""Fork a job's process behind a gate, and let it go once its identity is safely on record.

Light: the supervisor imports this under `python -I -S`. Plain `os.fork` because a gated child is
more than `subprocess` offers: between fork and exec the child waits for one byte, so that a row
with its identity exists before the command has any effect. A parent that dies closes the gate, and
the child exits without ever having run the command.

Invariants: the child that `fork_gated` returns leads its own session and group, has no descriptor
but its three, and has all signals at their defaults and unblocked, whatever the parent ignored; so
whoever learns its pid can end it. No signal that reaches it earlier is taken for one of the parent.
"""

from __future__ import annotations

# Not `signal`: its enumerations cost more than all else that happens between fork and gate.
import _signal  # type: ignore[import-not-found]  # CPython's own, without stubs
import errno
import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_GATE_FD = 3
_ERROR_FD = 4
_READY = b"R"
_SIGNALS = tuple(_signal.valid_signals())
_UNCHANGEABLE = (_signal.SIGKILL, _signal.SIGSTOP)


class Child:
    """A forked process: `pid` leads its own session and group; the parent reads the two pipes."""

    __slots__ = ("_error", "_gate", "pid", "stderr", "stdout")

    def __init__(self, pid: int, stdout: int, stderr: int, gate: int, error: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self._gate = gate
        self._error = error

    def release(self) -> str:
        """Open the gate; return '' once the command runs, else why it could not be executed.

        A child that was killed behind its gate is no different from one that is killed right after.
        """
        try:
            os.write(self._gate, b"G")
        except BrokenPipeError:
            pass
        os.close(self._gate)
        message = b""
        # Ends as soon as exec closes the other side, or after the child's short error text.
        while chunk := os.read(self._error, 4096):
            message += chunk
        os.close(self._error)
        return message.decode("utf-8", "surrogateescape")

    def abandon(self) -> None:
        """Close the gate unopened: the child exits without running anything, and is reaped."""
        for fd in (self._gate, self._error):
            os.close(fd)
        self.discard()

    def discard(self) -> None:
        """Reap a child that has not executed its command, and close what it would have written."""
        os.close(self.stdout)
        os.close(self.stderr)
        os.waitpid(self.pid, 0)


def fork_gated(argv: Sequence[str], *, cwd: str, env: Mapping[str, str], umask: int) -> Child:
    """Fork a child that will execute `argv` in `cwd` with exactly `env` once it is released.

    Its stdin is /dev/null. Raises OSError when the system has no process or descriptor to give.
    """
    out, err, gate, error = pipes = _pipes(4)
    # A signal for the parent's group must not reach the child while it still has the parent's
    # handlers and the pipe that they write to.
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            try:
                _become(argv, cwd, env, umask, (out[1], err[1], gate[0], error[1]))
            finally:
                os._exit(127)
    except OSError:
        _close(fd for pipe in pipes for fd in pipe)
        raise
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    _close((out[1], err[1], gate[0], error[1]))
    os.set_blocking(out[0], False)
    os.set_blocking(err[0], False)
    child = Child(pid, out[0], err[0], gate[1], error[0])
    if os.read(error[0], 1) != _READY:
        child.abandon()
        raise OSError(errno.EAGAIN, "it ended before it was ready")
    return child


def _pipes(number: int) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    try:
        made.extend(os.pipe() for _ in range(number))
    except OSError:
        _close(fd for pipe in made for fd in pipe)
        raise
    return made


def _close(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)


def _become(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    umask: int,
    pipes: tuple[int, int, int, int],
) -> None:
    """In the child: take the standard descriptors, wait behind the gate, execute."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    # Raised above the numbers they are about to be moved to, so that no move overwrites another.
    high = [_above(fd) for fd in (null, *pipes)]
    for fd, target in zip(high, (0, 1, 2, _GATE_FD, _ERROR_FD), strict=True):
        os.dup2(fd, target, inheritable=target < _GATE_FD)
    _close_above(_ERROR_FD)
    _default_signals()
    os.write(_ERROR_FD, _READY)
    if os.read(_GATE_FD, 1) != b"G":
        os._exit(126)
    os.umask(umask)
    try:
        os.chdir(cwd)
    except (OSError, ValueError) as error:
        _report(f"cannot enter {cwd}: {_why(error)}")
        return
    try:
        os.execvpe(argv[0], list(argv), env)  # noqa: S606  executing is its purpose
    except (OSError, ValueError) as error:
        _report(f"cannot execute {argv[0]}: {_why(error)}")


def _above(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ERROR_FD + 1)


def _close_above(highest: int) -> None:
    # By listing, because the limit on descriptors may be a thousand million.
    for name in os.listdir("/dev/fd"):
        if int(name) > highest:
            try:
                os.close(int(name))
            except OSError:  # the descriptor of the listing itself
                continue


def _default_signals() -> None:
    # An ignored signal stays ignored across exec, and Python ignores SIGPIPE itself.
    for number in _SIGNALS:
        if number not in _UNCHANGEABLE and _signal.getsignal(number) != _signal.SIG_DFL:
            try:
                _signal.signal(number, _signal.SIG_DFL)
            except OSError:  # reserved by the C library
                continue
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _SIGNALS)


def _why(error: OSError | ValueError) -> str:
    # A NUL in a word, or a "=" in a variable's name, is a ValueError.
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _report(text: str) -> None:
    os.write(_ERROR_FD, text.encode("utf-8", "surrogateescape"))
