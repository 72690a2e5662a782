"""The loop that drives executions: one `poll` over their pipes, SIGCHLD and other signals.

Light: the supervisor imports this under `python -I -S`. It must live in the main thread, where
Python delivers signals. It wakes for output, for a child's end, for a signal and for a deadline,
and never otherwise.
"""

from __future__ import annotations

import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any

    from bough.coordinator.execution import Execution


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The number has already been written to the wakeup pipe; nothing else is to be done."""


class Pump:
    """Drives any number of executions from one thread; a context manager over signal handling.

    `signals` are reported by `step` instead of having their usual effect. One that is ignored stays
    ignored: whoever started the command with `nohup`, or in the background, meant that.
    """

    def __init__(self, signals: Iterable[int] = ()) -> None:
        self._signals = tuple(signals)
        self._executions: list[Execution] = []
        self._by_fd: dict[int, Execution] = {}
        self._poll = select.poll()
        self._previous: dict[int, Any] = {}
        self._previous_wakeup = -1
        self._wake_read = self._wake_write = -1

    def __enter__(self) -> Pump:
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._signals = tuple(
            number for number in self._signals if signal.getsignal(number) is not signal.SIG_IGN
        )
        for number in (signal.SIGCHLD, *self._signals):
            self._previous[number] = signal.signal(number, _noted)
        self._previous_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD, *self._signals))
        self._poll.register(self._wake_read, select.POLLIN)
        return self

    def __exit__(self, *_exc: object) -> None:
        signal.set_wakeup_fd(self._previous_wakeup)
        for number, handler in self._previous.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        os.close(self._wake_read)
        os.close(self._wake_write)

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Those that have not ended yet."""
        return tuple(self._executions)

    def add(self, execution: Execution) -> None:
        """Drive this one, too."""
        self._executions.append(execution)
        for fd in execution.fds:
            self._by_fd[fd] = execution
            self._poll.register(fd, select.POLLIN)
        # Its end may have come before the handler was in place, or coalesced with another's.
        execution.child_changed(time.monotonic())

    def step(self, max_wait: float | None = None) -> tuple[list[Execution], list[int]]:
        """Wait for the next thing to happen; return the executions that ended and signals seen."""
        signals: list[int] = []
        for fd, _events in self._poll.poll(self._timeout_ms(max_wait)):
            if fd == self._wake_read:
                signals = self._drain_wakeups()
            else:
                self._by_fd[fd].readable(fd, time.monotonic())
        now = time.monotonic()
        ended = []
        for execution in self.executions:
            if signal.SIGCHLD in signals:
                execution.child_changed(now)
            execution.tick(now)
            if execution.outcome is not None:
                self._executions.remove(execution)
                ended.append(execution)
        self._forget_closed()
        return ended, [number for number in signals if number in self._signals]

    def _timeout_ms(self, max_wait: float | None) -> int | None:
        now = time.monotonic()
        waits = [] if max_wait is None else [max_wait]
        for execution in self._executions:
            deadline = execution.deadline()
            if deadline is not None:
                waits.append(deadline - now)
        # Rounded up: a deadline just missed would only be polled for again at once.
        return max(0, int(min(waits) * 1000) + 1) if waits else None

    def _drain_wakeups(self) -> list[int]:
        numbers: list[int] = []
        while True:
            try:
                chunk = os.read(self._wake_read, 512)
            except BlockingIOError:
                return numbers
            numbers.extend(chunk)

    def _forget_closed(self) -> None:
        wanted = {fd for execution in self._executions for fd in execution.fds}
        for fd in [fd for fd in self._by_fd if fd not in wanted]:
            del self._by_fd[fd]
            self._poll.unregister(fd)
