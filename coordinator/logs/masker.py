"""Masking secrets in a stream of bytes that arrives in arbitrary pieces.

Pure: bytes in, bytes out. Reads cut a stream anywhere, also inside a secret; what leaves here is,
put together, the masking of the whole stream, however it was cut.

Invariants: of what was fed, only the longest suffix that may still become a secret is held back
(so memory is bounded by the longest secret), and no byte that a secret covers ever leaves. Work per
byte is done by `bytes.find`, never by a Python loop.
"""

from __future__ import annotations

from bough.coordinator.secrets import MASK, covered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MASK = MASK.encode("ascii")


class Masker:
    """One stream's masker. Without secrets it returns what it is given."""

    __slots__ = ("_done", "_held", "_secrets")

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = tuple(sorted({secret for secret in secrets if secret}, key=len)[::-1])
        self._held = b""
        self._done = 0
        """How many bytes at the start of `_held` a mask that has already left covers."""

    def feed(self, chunk: bytes) -> bytes:
        """What may leave, now that `chunk` has come."""
        if not self._secrets:
            return chunk
        data = self._held + chunk if self._held else chunk
        return self._release(data, self._hold_from(data))

    def flush(self) -> bytes:
        """What was held back; the stream has ended and a new one may begin."""
        data = self._held
        return self._release(data, len(data))

    def _hold_from(self, data: bytes) -> int:
        """Where the longest suffix begins that is the beginning, not the whole, of a secret."""
        size = hold = len(data)
        for secret in self._secrets:
            initial = secret[:1]
            at = data.find(initial, max(0, size - len(secret) + 1), hold)
            while at >= 0 and not secret.startswith(data[at:]):
                at = data.find(initial, at + 1, hold)
            if at >= 0:
                hold = at
        return hold

    def _release(self, data: bytes, hold: int) -> bytes:
        parts: list[bytes] = []
        position = self._done
        for start, end in covered(data, self._secrets):
            if start >= hold:
                break
            if start >= position:
                parts += (data[position:start], _MASK)
            position = max(position, end)
        parts.append(data[position:hold])
        self._held = data[hold:]
        self._done = max(0, position - hold)
        return b"".join(parts)
