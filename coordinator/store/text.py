"""Text in and out of SQLite without loss, whatever bytes a file system or git allow in a name.

Undecodable bytes are surrogate escapes in memory (PEP 383), which sqlite3 refuses to bind. They are
bound as the bytes they are, under `CAST(? AS TEXT)`, and read back through `decode`.
"""

from __future__ import annotations


def bound(value: str) -> str | bytes:
    """What to bind for `CAST(? AS TEXT)`."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape")
    return value


def decode(value: bytes) -> str:
    """The connection's text factory."""
    return value.decode("utf-8", "surrogateescape")
