"""One running attempt: a child, its two pipes, its log, its limits; driven by a `Pump`.

Light: the supervisor imports this under `python -I -S`. Foreground jobs and background jobs are the
same here; only who drives the pump differs.

Invariants: the end of a job is the end of its main process, never the end of its pipes, which a
daemonised grandchild may hold for ever. A job that is ended from outside (a limit, a cancellation)
has ended when its whole group is dead. The main process stays unreaped until its group needs no
further signal, so that the group's number cannot be given to somebody else meanwhile.
"""

from __future__ import annotations

import os
import signal

from bough.coordinator import clock, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bough.coordinator.child import Child
    from bough.coordinator.logs.writer import LogWriter

READ_SIZE = 256 * 1024
DRAIN_S = 0.2
"""How long descendants may keep the pipes after the main process has ended."""
_RECHECK_S = 0.02
"""How often a dying group is looked at once its main process has ended."""


class Limits:
    """When an attempt is ended from outside; seconds, None for no limit."""

    __slots__ = ("grace", "idle", "timeout")

    def __init__(self, timeout_ms: int | None, idle_ms: int | None, grace_ms: int) -> None:
        self.timeout = timeout_ms / 1000 if timeout_ms else None
        self.idle = idle_ms / 1000 if idle_ms else None
        self.grace = grace_ms / 1000


class Execution:
    """A released child until its end. `outcome` is None while it lives.

    `cancel_marker` is a path: when it exists at the end, the attempt was cancelled, whoever sent
    the signal, and what is left of its group is ended, too. All times are monotonic seconds, passed
    in by the pump.
    """

    def __init__(
        self, child: Child, writer: LogWriter, limits: Limits, cancel_marker: str, now: float
    ) -> None:
        self.child = child
        self.outcome: dict[str, Any] | None = None
        self._writer = writer
        self._limits = limits
        self._cancel_marker = cancel_marker
        self._started = now
        self._last_output = now
        self._pipes = {child.stdout: "stdout", child.stderr: "stderr"}
        self._status: tuple[int | None, int | None, bool] | None = None
        self._ended = 0.0
        self._look_again = 0.0
        self._left_running = 0
        self._stop_reason = ""
        self._kill_at: float | None = None
        self._killed = False

    @property
    def fds(self) -> tuple[int, ...]:
        """The descriptors to be polled for reading."""
        return tuple(self._pipes)

    def readable(self, fd: int, now: float) -> None:
        """Read what is there, once, and log it."""
        try:
            chunk = os.read(fd, READ_SIZE)
        except BlockingIOError:
            return
        if chunk:
            self._last_output = now
            self._writer.feed(self._pipes[fd], chunk)
        else:
            self._close(fd)

    def stop(self, reason: str, now: float) -> None:
        """TERM the group now, KILL it after the grace; a second call kills at once."""
        if self._stop_reason:
            self._kill_at = now
            return
        self._stop_reason = reason
        self._kill_at = now + self._limits.grace
        self._signal(signal.SIGTERM)

    def child_changed(self, now: float) -> None:
        """A SIGCHLD arrived: note it if it was ours."""
        if self._status is None:
            self._status = _ended_status(self.child.pid)
            if self._status is not None:
                self._ended = now
                self._look_again = now + DRAIN_S

    def deadline(self) -> float | None:
        """When `tick` must be called next even if nothing happens."""
        if self._status is not None:
            return self._look_again
        times = [self._kill_at] if self._kill_at is not None and not self._killed else []
        if not self._stop_reason:
            if self._limits.timeout is not None:
                times.append(self._started + self._limits.timeout)
            if self._limits.idle is not None:
                times.append(self._last_output + self._limits.idle)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Enforce the limits, and conclude when the end has come."""
        if self._status is None:
            self._enforce(now)
            return
        if self._pipes and now < self._look_again:
            return
        if not self._stop_reason and os.path.exists(self._cancel_marker):
            self.stop("cancelled", now)
        if self._pipes:
            self._cut_off(now)
        if self._stop_reason and kernel.group_members(self.child.pid):
            self._kill_when_due(now)
            self._look_again = now + _RECHECK_S
            return
        self._conclude()

    def _cut_off(self, now: float) -> None:
        """Take what is in the pipes and close them, however long descendants hold them."""
        pipes = {os.fstat(fd).st_ino for fd in self._pipes}
        for fd in tuple(self._pipes):
            self.readable(fd, now)
            if fd in self._pipes:
                self._close(fd)
        # Descendants that were not asked to stop are left alone, but not unsaid.
        group = set(kernel.group_members(self.child.pid))
        holders = set(kernel.pipe_holders(pipes))
        left = holders - group if self._stop_reason else holders | group
        self._left_running = len(left)

    def _enforce(self, now: float) -> None:
        if self._stop_reason:
            self._kill_when_due(now)
        elif self._limits.timeout is not None and now >= self._started + self._limits.timeout:
            self.stop(f"timed out after {self._limits.timeout:g} s", now)
        elif self._limits.idle is not None and now >= self._last_output + self._limits.idle:
            self.stop(f"no output for {self._limits.idle:g} s", now)

    def _kill_when_due(self, now: float) -> None:
        if not self._killed and self._kill_at is not None and now >= self._kill_at:
            self._killed = True
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        # Safe without an identity check: the leader is our own child and not reaped yet.
        try:
            os.killpg(self.child.pid, number)
        except (ProcessLookupError, PermissionError):
            # macOS answers EPERM for a group of zombies.
            return

    def _close(self, fd: int) -> None:
        self._writer.end_stream(self._pipes.pop(fd))
        os.close(fd)

    def _conclude(self) -> None:
        assert self._status is not None
        exit_code, signal_number, reaped = self._status
        if not reaped:
            os.waitpid(self.child.pid, 0)
        cancelled = os.path.exists(self._cancel_marker)
        if cancelled:
            status, reason = "cancelled", ""
        elif self._stop_reason:
            status, reason = "timed_out", self._stop_reason
        elif signal_number is not None:
            status, reason = "signaled", f"killed by {signal_name(signal_number)}"
        else:
            status, reason = "finished", "" if exit_code == 0 else f"exit code {exit_code}"
        self.outcome = {
            "status": status,
            "reason": reason,
            "exit_code": exit_code,
            "signal": signal_number,
            "finished_at": clock.now_ms(),
            "duration_ms": round((self._ended - self._started) * 1000),
        }
        if self._left_running:
            self.outcome["left_running"] = self._left_running
        conclude_log(self._writer, self.outcome)


def conclude_log(writer: LogWriter, outcome: dict[str, Any]) -> None:
    """Write the last record, close the log, and add to the outcome what it amounts to."""
    plain = "exit code 0" if outcome["status"] == "finished" else outcome["status"]
    text = outcome["reason"] or plain
    fields = {
        key: outcome[key]
        for key in ("exit_code", "signal", "duration_ms", "left_running")
        if outcome.get(key) is not None
    }
    writer.finish(outcome["status"], text, **fields)
    writer.close()
    outcome["log_bytes"] = writer.bytes
    outcome["log_lines"] = writer.lines


def not_executed(reason: str) -> dict[str, Any]:
    """The outcome of a child that could not execute its command; 127 is what shells say then."""
    return {
        "status": "finished",
        "reason": reason,
        "exit_code": 127,
        "signal": None,
        "finished_at": clock.now_ms(),
        "duration_ms": 0,
    }


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; a plain number for one without a name (real-time signals)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ended_status(pid: int) -> tuple[int | None, int | None, bool] | None:
    """(exit code, signal, already reaped) of an ended child; None while it runs."""
    if hasattr(os, "waitid"):
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if result is None:
            return None
        if result.si_code == os.CLD_EXITED:
            return result.si_status, None, False
        return None, result.si_status, False
    # Without waitid the end cannot be seen without reaping.
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        return None
    code = os.waitstatus_to_exitcode(status)
    return (code, None, True) if code >= 0 else (None, -code, True)
