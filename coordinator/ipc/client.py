"""The client's side of the socket: find the coordinator, ask it, or learn that there is none.

Clients learn the socket's place from `coordinator.json`, never from their own environment. A
coordinator that does not answer within two seconds is named by its pid, with the way to end it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

from bough.coordinator.errors import CoordinatorError
from bough.coordinator.ipc import frames
from bough.coordinator.ipc.peer import peer_uid
from bough.coordinator.places import StatePlaces

ANSWER_TIMEOUT_S = 2.0


class Refused(CoordinatorError):
    """The coordinator answered with an error; `error_code` is its code."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"the coordinator refused: {message}")
        self.error_code = error_code


class Client:
    """One connection; many requests may follow each other on it. A context manager."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def ask(self, name: str, /, **payload: Any) -> dict[str, Any]:
        """Send one request and return the payload of its answer; raises Refused or
        CoordinatorError.
        """
        self._send(name, payload)
        return self._receive()["payload"]  # type: ignore[no-any-return]  # JSON

    def stream(self, name: str, /, **payload: Any) -> Iterator[dict[str, Any]]:
        """Send a request and yield the payload of each StreamFrame until StreamEnd."""
        self._send(name, payload)
        self._connection.settimeout(None)  # a followed job may be silent for as long as it likes
        while (message := self._receive())["kind"] != "StreamEnd":
            yield message["payload"]

    def _send(self, name: str, payload: dict[str, Any]) -> None:
        try:
            self._connection.sendall(frames.encode(frames.request(name, payload)))
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self) -> dict[str, Any]:
        header = self._read(frames.HEADER_SIZE)
        message = frames.decode(self._read(frames.body_size(header)))
        if message.get("kind") == "Error":
            payload = message["payload"]
            raise Refused(payload["code"], payload["message"])
        return message

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                chunk = self._connection.recv(min(size - len(data), 1 << 20))
            except OSError as error:
                raise self._lost(error) from error
            if not chunk:
                raise CoordinatorError("the coordinator ended while it was asked")
            data += chunk
        return data

    def _lost(self, error: OSError) -> CoordinatorError:
        if isinstance(error, TimeoutError):
            return CoordinatorError(
                f"the coordinator (pid {self.pid}) does not answer",
                hint=_end_it(self.pid),
            )
        return CoordinatorError(f"the coordinator went away: {error.strerror or error}")


def _end_it(pid: object) -> str:
    # One that is stopped is not ended by less.
    return f"kill -9 {pid}   (running jobs go on; the next command starts a new one)"


def read_info(places: StatePlaces) -> dict[str, Any] | None:
    """What the last coordinator said about itself, or None."""
    try:
        with open(places.info, encoding="utf-8") as file:
            info = json.load(file)
    except (OSError, ValueError):
        return None
    return info if isinstance(info, dict) and "socket" in info else None


def connect(places: StatePlaces) -> Client | None:
    """A connection to the repository's coordinator, or None when none listens."""
    info = read_info(places)
    if info is None:
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_TIMEOUT_S)
    try:
        connection.connect(info["socket"])
    except TimeoutError as error:
        connection.close()
        raise CoordinatorError(
            f"the coordinator (pid {info.get('pid')}) does not answer",
            hint=_end_it(info.get("pid")),
        ) from error
    except OSError:
        connection.close()
        return None
    if peer_uid(connection) != os.geteuid():
        connection.close()
        raise CoordinatorError(
            f"the socket {info['socket']} is served by another user",
            hint=f"Remove {places.info} and try again.",
        )
    return Client(connection, int(info.get("pid", 0)))
