"""Durations and sizes as people write them: `1h30m`, `250ms`, `10MiB`.

Pure: text to integers. Every ValueError says what was written and how it should look. Upper bounds
keep sums with a wall-clock time inside 64 bits.
"""

from __future__ import annotations

import re

from bough.hooks.errors import shown

_UNITS_MS = {
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_UNITS_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_PART = re.compile(rf"({_NUMBER})(ms|[wdhms])")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|[wdhms]))+")
_SECONDS = re.compile(_NUMBER)
_SIZE = re.compile(rf"({_NUMBER})\s?([a-zA-Z]*)")
_LONGEST_MS = 100 * 365 * _UNITS_MS["d"]
_LARGEST = 2**50


def parse_duration_ms(value: str | float) -> int:
    """Milliseconds for `5s`, `1h30m`, `250ms`; a bare number means seconds.

    Units are w, d, h, m, s and ms, each at most once and in this order. Fractions of a millisecond
    are rounded up, so that only 0 is 0. ValueError for anything else, and for more than 100 years.
    """
    text = str(value).strip()
    if _SECONDS.fullmatch(text):
        text += "s"
    if not _DURATION.fullmatch(text):
        raise ValueError(
            f"`{shown(str(value))}` is not a duration; write it like 30s, 5m, 1h30m or 250ms"
        )
    parts = _PART.findall(text)
    order = [list(_UNITS_MS).index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        raise ValueError(
            f"`{shown(str(value))}` is not a duration; each unit once, the largest first: 1h30m"
        )
    total = sum(_scaled(number, _UNITS_MS[unit]) for number, unit in parts)
    if total > _LONGEST_MS:
        raise ValueError(f"`{shown(str(value))}` is too long; at most 100 years")
    return total


def parse_size(value: str | int) -> int:
    """Bytes for `10MiB` (powers of 1024), `500MB` (powers of 1000) or a bare number.

    ValueError for anything else, and for more than 1024 TiB.
    """
    match = _SIZE.fullmatch(str(value).strip())
    factor = _UNITS_BYTES.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"`{shown(str(value))}` is not a size; write it like 500KB, 10MiB or 1GB")
    total = _scaled(match[1], factor)
    if total > _LARGEST:
        raise ValueError(f"`{shown(str(value))}` is too large; at most 1024TiB")
    return total


def _scaled(number: str, factor: int) -> int:
    """`number` * `factor`, exact, rounded up."""
    whole, _, fraction = number.partition(".")
    scale: int = 10 ** len(fraction)
    return -(-(int(whole + fraction) * factor) // scale)
