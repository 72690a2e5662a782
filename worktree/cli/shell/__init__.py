"""What a shell sources to complete `bough` and `git bough`."""

from __future__ import annotations

import os
import shlex

from bough.coordinator.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


def completion_script(shell: str, *, python: str, complete: str) -> str:
    """The script for `shell`; `python` and `complete` are the absolute paths of the interpreter and
    of `complete.py`, which it runs at every Tab. Raises `UsageError` for another shell."""
    if shell not in SHELLS:
        raise UsageError(
            f"there is no completion for {shell!r}", hint=f"Shells: {', '.join(SHELLS)}"
        )
    path = os.path.join(os.path.dirname(__file__), f"completion.{shell}")
    with open(path, encoding="utf-8") as file:
        template = file.read()
    quote = _fish_quoted if shell == "fish" else shlex.quote
    return template.replace("@PYTHON@", quote(python)).replace("@COMPLETE@", quote(complete))


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
