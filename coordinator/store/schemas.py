"""The two databases: one per repository (rows and history), one per user (consent)."""

from __future__ import annotations

import sqlite3

from bough.coordinator.places import StatePlaces, config_root, private_dir
from bough.coordinator.store.connection import (
    Schema,
    open_reader,
    open_scratch,
    open_writer,
    packaged_migrations,
)

REPOSITORY = Schema(
    name="repository",
    application_id=0x626F7567,
    migrations=packaged_migrations("repository_schema"),
)
USER = Schema(name="user", application_id=0x626F7575, migrations=packaged_migrations("user_schema"))


def write_repository(places: StatePlaces) -> sqlite3.Connection:
    """The repository's database for reading and writing; made with its folder when new."""
    private_dir(places.root)
    return open_writer(places.database, REPOSITORY)


def write_scratch() -> sqlite3.Connection:
    """A repository's database in memory, for a command that cannot use the real one."""
    return open_scratch(REPOSITORY)


def read_repository(places: StatePlaces) -> sqlite3.Connection | None:
    """The repository's database for reading, or None when nothing was ever recorded."""
    return open_reader(places.database, REPOSITORY)


def write_user() -> sqlite3.Connection:
    """The user's database for reading and writing."""
    return open_writer(f"{private_dir(config_root())}/bough.db", USER)


def read_user() -> sqlite3.Connection | None:
    """The user's database for reading, or None when there is none."""
    return open_reader(f"{config_root()}/bough.db", USER)
