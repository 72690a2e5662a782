"""The owner of one background job: `python -I -S supervisor.py <job-folder>`.

Light: standard library only, and little of it; every background job pays for what is imported here.
It is the job's parent, in a session of its own outside the job's group, and outlives the
coordinator that spawned it. Descriptor 0 is a socket to that coordinator; the job's lock came
locked with the process, so there is no moment in which a supervisor exists and the lock is free.

The claim protocol, this side:

1. read the order (one length-prefixed JSON value) from the socket;
2. fork the job behind its gate and answer with its pid;
3. wait for one byte. The coordinator sends it once the identity is committed. End of file instead:
   the job never ran, and `exit.json` says `not_started`;
4. write the `started` record, open the gate, drive the job to its end;
5. write the last record and `exit.json` (fsync, rename). The lock is released by exiting.

Invariants: no `started` record means that the command was not executed; `exit.json` is written
once.
"""

from __future__ import annotations

import os
import sys

if __package__ in (None, ""):
    # Appended, never put first: nothing installed beside bough may shadow the standard library.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

import json
import signal
import time

from bough.coordinator import child as children
from bough.coordinator.execution import Execution, Limits, conclude_log, not_executed
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.pump import Pump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CONTROL = 0
EXIT_FILE = "exit.json"
LOG_FILE = "output.jsonl"
CANCEL_FILE = "cancel"
LOCK_FILE = "lock"


def main(argv: list[str]) -> int:
    """Own the job whose folder is the one argument; 0 when its end, whatever it was, is on disk."""
    folder = argv[1]
    # The job's group is what is signalled; whoever owns it stays to report.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    order = _receive()
    if order is None:
        write_exit(folder, {"status": "not_started"})
        return 0
    try:
        job = children.fork_gated(
            order["argv"], cwd=order["cwd"], env=order["env"], umask=order["umask"]
        )
    except OSError as error:
        _refuse(folder, order, f"cannot start a process: {error.strerror}")
        return 0
    if not _permitted(job.pid):
        job.abandon()
        write_exit(folder, {"status": "not_started"})
        return 0
    os.close(_CONTROL)
    write_exit(folder, _drive(folder, order, job))
    return 0


def _receive() -> dict[str, Any] | None:
    header = _read_exactly(4)
    body = _read_exactly(int.from_bytes(header, "big")) if header else b""
    return json.loads(body) if body else None


def _read_exactly(size: int) -> bytes:
    """`size` bytes from the coordinator, or b"" when it went away before it had sent them."""
    data = b""
    while len(data) < size:
        chunk = os.read(_CONTROL, size - len(data))
        if not chunk:
            return b""
        data += chunk
    return data


def _permitted(pid: int) -> bool:
    try:
        os.write(_CONTROL, b"%d\n" % pid)
        return os.read(_CONTROL, 1) == b"G"
    except (BrokenPipeError, ConnectionResetError):
        return False


def _log(folder: str, order: dict[str, Any]) -> LogWriter:
    return LogWriter(
        f"{folder}/{LOG_FILE}",
        max_size=order["max_size"],
        sample_every=order["sample_every"],
        secrets=[secret.encode("utf-8", "surrogateescape") for secret in order["secrets"]],
    )


def _drive(folder: str, order: dict[str, Any], job: children.Child) -> dict[str, Any]:
    """From the permission to the outcome."""
    try:
        writer = _log(folder, order)
    except OSError as error:
        job.abandon()
        return not_executed(f"cannot write its log: {error.strerror}")
    with Pump() as pump:
        writer.status("started", order["title"], pid=job.pid, **order["identity"])
        problem = job.release()
        if problem:
            job.discard()
            outcome = not_executed(problem)
            conclude_log(writer, outcome)
            return outcome
        limits = Limits(order["timeout_ms"], order["idle_timeout_ms"], order["grace_ms"])
        execution = Execution(job, writer, limits, f"{folder}/{CANCEL_FILE}", time.monotonic())
        pump.add(execution)
        while execution.outcome is None:
            pump.step()
    return execution.outcome


def _refuse(folder: str, order: dict[str, Any], problem: str) -> None:
    """Record that the job could not even be forked. Nothing ran, yet it is an end, not a retry."""
    os.write(_CONTROL, b"0\n")
    writer = _log(folder, order)
    writer.status("started", order["title"], **order["identity"])
    outcome = not_executed(problem)
    conclude_log(writer, outcome)
    write_exit(folder, outcome)


def write_exit(folder: str, outcome: dict[str, Any]) -> None:
    """Make the outcome durable under its final name in one step."""
    path = f"{folder}/{EXIT_FILE}"
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, json.dumps(outcome).encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(f"{path}.new", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
