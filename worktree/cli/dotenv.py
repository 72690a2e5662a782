"""Bough's own block in a file of variables (`.env`): written, and written again in its place.

Pure: bytes in, bytes out. What stands around the block is somebody else's and stays as it is, byte
for byte. Values are written so that shells and the usual readers of such files agree on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

BEGIN = b"# >>> bough env (written by bough; changes in here are lost)"
END = b"# <<< bough env"
_BLOCK = re.compile(
    rb"^" + re.escape(BEGIN) + rb"\r?\n(?:.*\n)*?" + re.escape(END) + rb"(?:\r?\n|\Z)", re.MULTILINE
)
_MARK = re.compile(rb"^(?:" + re.escape(BEGIN) + rb"|" + re.escape(END) + rb")\r?$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


class DamagedBlock(ValueError):
    """There are marks of a block, but not exactly one of each, in their order."""


def with_block(content: bytes, variables: Mapping[str, str]) -> bytes:
    """`content` with one block that holds `variables`, at its end if there was none.

    Without variables there is no block. DamagedBlock if it cannot be told where the block ends.
    """
    found = _BLOCK.search(content)
    if len(_MARK.findall(content)) != (2 if found else 0):
        raise DamagedBlock
    lines = [BEGIN, *(_line(name, value) for name, value in variables.items()), END]
    block = b"".join(line + b"\n" for line in lines) if variables else b""
    if found:
        return content[: found.start()] + block + content[found.end() :]
    gap = b"" if not content or content.endswith(b"\n") or not block else b"\n"
    return content + gap + block


def _line(name: str, value: str) -> bytes:
    return f"{name}={_quoted(value)}".encode("utf-8", "surrogateescape")


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\n" not in value and "\r" not in value:
        return f"'{value}'"
    escaped = re.sub(r'([\\"$`])', r"\\\1", value)
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'
