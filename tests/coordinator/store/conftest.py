"""An open repository database, and rows in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.engine import Engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[sqlite3.Connection]:
    """The database of `engine`, as a command opens it."""
    with engine.writing() as connection:
        yield connection
