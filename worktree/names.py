"""From a branch name to a folder name: `feature/x` becomes `feature-x`.

Pure: text in, text out. Invariants of every slug: one path component of at most 60 bytes of valid
UTF-8 in NFC, never empty, never hidden (so neither `.`, `..` nor `.git`), never an option. `/`
becomes `-`; whatever else had to be changed or cut is made up for by six digits of the name's hash.
"""

from __future__ import annotations

import hashlib
import unicodedata

SLUG_LIMIT = 60
"""In bytes. Folder names may have 255, but sockets and lock files lie deeper."""
_HASH_DIGITS = 6
_PLAIN = "._-"


def slug(branch: str, *, distinct: bool = False) -> str:
    """The folder name for `branch`; any text will do.

    `distinct` adds the hash in any case: for a name that differs from another one only by case.
    """
    plain = branch.replace("/", "-")
    cleaned = _cleaned(plain)
    if cleaned and cleaned == plain and not distinct and len(cleaned.encode()) <= SLUG_LIMIT:
        return cleaned
    digest = hashlib.sha256(branch.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    head = cleaned.encode()[: SLUG_LIMIT - _HASH_DIGITS - 1].decode("utf-8", "ignore")
    return f"{head.rstrip(_PLAIN)}-{digest}".lstrip("-")


def _cleaned(text: str) -> str:
    """`text` with each run of unsafe characters as one `-`, and none of `.-` in front."""
    result = ""
    for char in unicodedata.normalize("NFC", text):
        if _safe(char, after=result[-1:]):
            result += char
        elif not result.endswith("-"):
            result += "-"
    return result.lstrip("-.")


def _safe(char: str, after: str) -> bool:
    if char in _PLAIN or char.isalnum():
        return True
    # Marks are the vowels of many scripts. They belong to a letter, or would change our own signs.
    return unicodedata.category(char).startswith("M") and after not in _PLAIN
