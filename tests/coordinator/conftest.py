"""The engine of one repository in the test's sandbox."""

from __future__ import annotations

import pytest

from tests.support.engine import Engine
from tests.support.isolation import Sandbox


@pytest.fixture
def engine(sandbox: Sandbox) -> Engine:
    """A repository without rows; its coordinator is spawned by whatever wakes it."""
    return Engine(sandbox.state)
