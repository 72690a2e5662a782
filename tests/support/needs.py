"""What a test needs from the machine: it skips with a reason that the summary counts.

With BOUGH_REQUIRE_SHELLS=1, as in CI, a missing shell is a failure: there a skip would hide that
the shell was never tried.
"""

from __future__ import annotations

import os
import shutil

import pytest

SHELLS = frozenset({"bash", "zsh", "fish"})
SHELLS_REQUIRED = os.environ.get("BOUGH_REQUIRE_SHELLS") == "1"
"""Read at import, because a sandbox hides every BOUGH_* variable of the caller."""


def need_tool(name: str) -> str:
    """The path of the program `name`; skips, or fails, the running test when it is absent."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed"
        if name in SHELLS and SHELLS_REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found
