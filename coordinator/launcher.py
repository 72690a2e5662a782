"""Start a background job's supervisor and go through the claim protocol with it.

The coordinator's side of what `supervisor` describes. The job's lock is taken here and handed to
the new process as an open descriptor.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from bough.coordinator import jobfolder, supervisor
from bough.coordinator.handoff import Handoff, JobOrder
from bough.coordinator.model import Job, JobFile, ProcessIdentity
from bough.coordinator.processes import identify
from bough.coordinator.secrets import secret_values

_HANDSHAKE_S = 20.0
_LOCK_TRIES = 100
_LOCK_PAUSE_S = 0.01


class StartFailed(Exception):
    """The supervisor did not get as far as a gated job; the job's folder holds the evidence."""


class Supervisor:
    """A spawned supervisor that holds its job's lock: `claim`, then `go` or `leave`, then `reap`.

    Letting go of it without `go` means that the job never runs.
    """

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control

    async def claim(self, order: dict[str, Any]) -> ProcessIdentity:
        """Have the job forked behind its gate and learn who it is; raises StartFailed."""
        try:
            pid = await asyncio.wait_for(self._exchange(order), _HANDSHAKE_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise StartFailed(f"its supervisor did not answer: {error}") from error
        identity = identify(pid) if pid else None
        if identity is None:
            raise StartFailed("the job's process was gone before it could start")
        return identity

    async def _exchange(self, order: dict[str, Any]) -> int:
        loop = asyncio.get_running_loop()
        body = json.dumps(order).encode()
        await loop.sock_sendall(self._control, len(body).to_bytes(4, "big") + body)
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = await loop.sock_recv(self._control, 64)
            if not chunk:
                raise ValueError("it ended")
            answer += chunk
        return int(answer)

    def go(self) -> None:
        """Open the gate; the command is executed."""
        try:
            self._control.send(b"G")
        except OSError:
            # The supervisor is gone; the job's folder tells what became of it.
            pass
        finally:
            self._control.close()

    def leave(self) -> None:
        """Never open the gate; the supervisor records `not_started` and ends."""
        self._control.close()

    def reap(self) -> None:
        """Collect the process; to be called when its lock is free, because then it has ended."""
        self._process.wait()


async def spawn(folder: str, files: Iterable[JobFile] = ()) -> Supervisor:
    """Prepare the job's folder and spawn its supervisor.

    Raises OSError, PlaceError or StartFailed; then nothing was spawned.
    """
    jobfolder.prepare(folder, files)
    lock = await _lock(folder)
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, folder],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=None,  # the coordinator's log
            cwd="/",
            env={k: v for k, v in os.environ.items() if k.startswith("BOUGH_TEST_")},
            pass_fds=(lock,),
            start_new_session=True,
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(lock)
    ours.setblocking(False)
    return Supervisor(process, ours)


async def _lock(folder: str) -> int:
    for _ in range(_LOCK_TRIES):
        try:
            return jobfolder.take_lock(folder)
        except BlockingIOError:
            # A reader is looking whether the job lives.
            await asyncio.sleep(_LOCK_PAUSE_S)
    raise StartFailed("another supervisor holds the job")


def order_for(job: Job, handoff: Handoff, order: JobOrder, folder: str) -> dict[str, Any]:
    """Everything a supervisor needs, as plain data."""
    spec = job.spec
    env = {
        **handoff.env,
        **dict(order.env),
        jobfolder.JOB_DIR: folder,
        "BOUGH_ATTEMPT": str(job.attempt),
    }
    return {
        "argv": order.argv,
        "cwd": spec.cwd,
        "env": env,
        "umask": handoff.umask,
        "timeout_ms": spec.timeout_ms,
        "idle_timeout_ms": spec.idle_timeout_ms,
        "grace_ms": spec.grace_ms,
        "max_size": spec.log.max_size,
        "sample_every": spec.log.sample_every,
        "secrets": secret_values(env),
        "title": spec.command_text,
        "identity": job.log_identity,
    }
