"""Frames: what goes in comes out; what is cut, too long or garbage is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.errors import FrameError
from bough.coordinator.ipc import frames

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates too: names hold them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.dictionaries(TEXT, VALUES, max_size=4)


def refusal(error: pytest.ExceptionInfo[FrameError]) -> str:
    return error.value.error_code


@given(MESSAGES)
def test_a_message_survives(message: dict[str, Any]) -> None:
    frame = frames.encode(message)
    header, body = frame[: frames.HEADER_SIZE], frame[frames.HEADER_SIZE :]
    assert frames.body_size(header) == len(body)
    assert frames.decode(body) == message


@given(MESSAGES, st.data())
def test_a_body_that_was_cut_is_refused(message: dict[str, Any], data: st.DataObject) -> None:
    body = frames.encode(message)[frames.HEADER_SIZE :]
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(FrameError) as error:
        frames.decode(body[:cut])
    assert refusal(error) == "BAD_REQUEST"


@given(st.binary(max_size=64))
def test_garbage_is_refused_or_is_an_object(body: bytes) -> None:
    try:
        message = frames.decode(body)
    except FrameError as error:
        code = error.error_code
    else:
        assert isinstance(message, dict)
        return
    assert code == "BAD_REQUEST"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"1", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000, b"{}{}"]
)
def test_anything_but_one_object_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError) as error:
        frames.decode(body)
    assert refusal(error) == "BAD_REQUEST"


def test_the_cap_is_checked_before_a_body_is_sent() -> None:
    room = frames.MAX_FRAME - len(json.dumps({"a": ""}))
    assert len(frames.encode({"a": "x" * room})) == frames.HEADER_SIZE + frames.MAX_FRAME
    with pytest.raises(FrameError) as error:
        frames.encode({"a": "x" * (room + 1)})
    assert refusal(error) == "FRAME_TOO_LARGE"


@given(st.integers(0, 2**32 - 1))
def test_the_cap_is_checked_before_a_body_is_read(size: int) -> None:
    header = size.to_bytes(4, "big")
    if size <= frames.MAX_FRAME:
        assert frames.body_size(header) == size
    else:
        with pytest.raises(FrameError) as error:
            frames.body_size(header)
        assert refusal(error) == "FRAME_TOO_LARGE"


def test_the_envelopes() -> None:
    assert frames.request("Wake", {}) == {"v": 1, "req": "Wake", "payload": {}}
    assert frames.response("Ok", {"a": 1}) == {"v": 1, "kind": "Ok", "payload": {"a": 1}}
    assert frames.error_response("BUSY", "leaving") == {
        "v": 1,
        "kind": "Error",
        "payload": {"code": "BUSY", "message": "leaving"},
    }
