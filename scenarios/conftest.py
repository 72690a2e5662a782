"""Makes every `.yml` file below this folder a test. README.md beside it explains their keys."""

from tests.support.scenarios.plugin import pytest_collect_file, pytest_runtest_logreport

__all__ = ["pytest_collect_file", "pytest_runtest_logreport"]
