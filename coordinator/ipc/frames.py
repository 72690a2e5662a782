"""Frames: a big-endian u32 length, then that many bytes of JSON (one object).

Pure: bytes to values and back. The cap is checked on both sides, before a body is read or sent.
"""

from __future__ import annotations

import json
from typing import Any

from bough.coordinator.errors import FrameError

PROTOCOL = 1
MAX_FRAME = 8 * 1024 * 1024
HEADER_SIZE = 4


def encode(message: dict[str, Any]) -> bytes:
    """The frame of a message; raises FrameError when it is over the cap."""
    body = json.dumps(message).encode("ascii")
    if len(body) > MAX_FRAME:
        raise FrameError("FRAME_TOO_LARGE", f"a frame of {len(body)} bytes is over {MAX_FRAME}")
    return len(body).to_bytes(HEADER_SIZE, "big") + body


def body_size(header: bytes) -> int:
    """The length that a header announces; raises FrameError when it is over the cap."""
    size = int.from_bytes(header, "big")
    if size > MAX_FRAME:
        raise FrameError("FRAME_TOO_LARGE", f"a frame of {size} bytes is over {MAX_FRAME}")
    return size


def decode(body: bytes) -> dict[str, Any]:
    """The message in a frame's body; raises FrameError for anything but one JSON object."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("BAD_REQUEST", f"a frame is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise FrameError("BAD_REQUEST", "a frame is not a JSON object")
    return message


def request(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a request."""
    return {"v": PROTOCOL, "req": name, "payload": payload}


def response(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a response; kind `Error` has `code` and `message`."""
    return {"v": PROTOCOL, "kind": kind, "payload": payload}


def error_response(code: str, message: str) -> dict[str, Any]:
    """The envelope of a refusal."""
    return response("Error", {"code": code, "message": message})
