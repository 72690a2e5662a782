"""End the run when whoever started it is gone, instead of running on for nobody."""

from __future__ import annotations

import os

import pytest

PARENT = os.getppid()


def pytest_runtest_logreport() -> None:
    """After each phase of each test (pytest calls this in the process that prints the results)."""
    if os.getppid() != PARENT:
        pytest.exit("the shell that started this run is gone", returncode=130)
