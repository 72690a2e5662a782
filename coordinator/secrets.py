"""Which environment variables are secret, and how their values are kept out of what is stored.

Pure: names, values and text in, text out. The one definition of what a mask covers stands here;
the logs' byte-stream masker and stored texts both use it, so that they cannot disagree.

Invariants: whatever a secret covers is masked, also where two secrets overlap (the overlap becomes
one mask, no rest of either stays readable). The job supervisor imports this module, so it imports
nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import AnyStr

MASK = "***"
MIN_LENGTH = 6
"""Shorter values are not masked: they would blot out ordinary words and numbers."""

_WORDS = frozenset({"TOKEN", "SECRET", "KEY", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"})
_GIT_CONFIG = "GIT_CONFIG_"  # GIT_CONFIG_KEY_0 names a setting; git needs it to work


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret: `API_KEY` does, `KEYMAP` does not."""
    upper = name.upper()
    return not upper.startswith(_GIT_CONFIG) and not _WORDS.isdisjoint(upper.split("_"))


def secret_values(env: Mapping[str, str]) -> tuple[str, ...]:
    """What has to be masked in the output of a job with this environment, longest first.

    Output is read by lines, so every line of a value counts too, and so does a value without the
    white space around it.
    """
    found: set[str] = set()
    for name, value in env.items():
        if is_secret_name(name):
            candidates = [value, *(line.strip() for line in value.splitlines())]
            found.update(text for text in candidates if _worth_masking(text))
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _worth_masking(text: str) -> bool:
    return len(text) >= MIN_LENGTH and not text.isspace()


def scrub(env: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that may be stored."""
    return {name: value for name, value in env.items() if not is_secret_name(name)}


def covered(text: AnyStr, secrets: Iterable[AnyStr]) -> list[tuple[int, int]]:
    """The (start, end) of every stretch that secrets cover, in order; overlapping ones are one."""
    found: list[tuple[int, int]] = []
    for secret in secrets:
        at = text.find(secret)
        while at >= 0:
            _add(found, at, at + len(secret))
            at = text.find(secret, at + 1)
    found.sort()
    merged: list[tuple[int, int]] = []
    for start, end in found:
        _add(merged, start, end)
    return merged


def _add(spans: list[tuple[int, int]], start: int, end: int) -> None:
    if spans and spans[-1][0] <= start < spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """`text` with `***` in the place of whatever the (non-empty) secrets cover."""
    parts: list[str] = []
    position = 0
    for start, end in covered(text, secrets):
        parts += (text[position:start], MASK)
        position = end
    parts.append(text[position:])
    return "".join(parts)
