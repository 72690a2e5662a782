"""Paths in messages.

Pure: text in, text out.
"""

from __future__ import annotations

from bough.hooks.errors import shown


def shown_path(path: str) -> str:
    """`path` on one line and harmless for a terminal, like `shown`, but never without its end."""
    return "/".join(map(shown, path.split("/")))
