"""The one place that opens a database: checks, PRAGMAs, migrations, transactions, errors.

Invariants: a file of ours is a regular file of this user, mode 0600, with our `application_id` and
no newer schema than we know; anything else is refused, never touched. Every PRAGMA that is set is
read back. Whoever reads in order to write begins IMMEDIATE.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bough.coordinator.errors import SchemaMismatch, StoreBusy, StoreError
from bough.coordinator.store.text import decode

MINIMUM_SQLITE = (3, 37, 0)
"""STRICT tables came with 3.37."""
_WRITER_BUSY_MS = 5_000
_READER_BUSY_MS = 300
_PLAIN = frozenset("/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_SWITCH_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a database file has to be: its mark, and its migrations in order (SQL texts)."""

    name: str
    application_id: int
    migrations: Sequence[str]

    @property
    def version(self) -> int:
        return len(self.migrations)


def packaged_migrations(folder: str) -> tuple[str, ...]:
    """The texts of `<folder>/NNNN_*.sql` beside this module, in their numbered order."""
    path = os.path.join(os.path.dirname(__file__), folder)
    names = sorted(name for name in os.listdir(path) if name.endswith(".sql"))
    texts = []
    for name in names:
        with open(os.path.join(path, name), encoding="utf-8") as file:
            texts.append(file.read())
    return tuple(texts)


def open_writer(path: str, schema: Schema) -> sqlite3.Connection:
    """Open for reading and writing; create and migrate the file when needed."""
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old; bough needs 3.37 or newer",
            hint="Use a Python that is linked with a newer SQLite.",
        )
    _ensure_file(path)
    with translated(path):
        connection = _connect(f"file:{_quoted(path)}?mode=rw", _WRITER_BUSY_MS)
        try:
            _check_identity(connection, path, schema)
            if connection.execute("PRAGMA user_version").fetchone()[0] < schema.version:
                _migrate(connection, schema)
            _write_ahead(connection)
            _set(connection, "synchronous", 1)
            _set(connection, "foreign_keys", 1)
        except BaseException:
            connection.close()
            raise
    return connection


def open_scratch(schema: Schema) -> sqlite3.Connection:
    """A database in memory with the same schema; it ends with its connection."""
    connection = _connect(":memory:", _WRITER_BUSY_MS)
    _migrate(connection, schema)
    _set(connection, "foreign_keys", 1)
    return connection


def open_reader(path: str, schema: Schema) -> sqlite3.Connection | None:
    """Open for reading only, or None when there is no database yet. Creates and changes nothing.

    A `mode=ro` reader of a closed WAL database would leave `-wal` and `-shm` files behind, so one
    without a `-wal` file is read as immutable.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        # There may well be one: not to be able to look is not to have found nothing.
        raise StoreError(
            f"cannot look into {os.path.dirname(path)}: {error.strerror}",
            hint="bough keeps its state where BOUGH_STATE_DIR says.",
        ) from error
    _check_file(path)
    mode = "mode=ro" if os.path.exists(f"{path}-wal") else "immutable=1"
    with translated(path):
        connection = _connect(f"file:{_quoted(path)}?{mode}", _READER_BUSY_MS)
        try:
            _check_identity(connection, path, schema)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """BEGIN IMMEDIATE … COMMIT, rolled back on any error. No git, no files inside."""
    with translated("the database"):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # A full disk ends the transaction by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A read transaction: everything read inside is of one moment."""
    with translated("the database"):
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def durable(connection: sqlite3.Connection) -> Iterator[None]:
    """Within: a commit is on disk before it returns (synchronous=FULL)."""
    _set(connection, "synchronous", 2)
    try:
        yield
    finally:
        _set(connection, "synchronous", 1)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """SQLite's errors as ours: what the machine does to the file, not what the code does wrong."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if _busy(error):
            raise StoreBusy(
                f"{what} stayed locked by another process", hint="Try again in a moment."
            ) from error
        raise StoreError(
            f"{what}: {error}", hint="bough keeps its state where BOUGH_STATE_DIR says."
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # a constraint, or a misuse of the connection: a mistake of ours
        raise StoreError(
            f"{what} is damaged or not a database: {error}",
            hint="Move the file aside; the logs beside it stay readable.",
        ) from error


def _busy(error: sqlite3.OperationalError) -> bool:
    # Extended codes hold the plain one in their low byte.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _connect(uri: str, busy_ms: int) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        _set(connection, "busy_timeout", busy_ms)
    except BaseException:
        connection.close()
        raise
    connection.text_factory = decode
    connection.row_factory = sqlite3.Row
    return connection


def _quoted(path: str) -> str:
    # As urllib.parse.quote does it, whose import costs every git hook 10 ms.
    return "".join(
        chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in os.fsencode(path)
    )


def _set(connection: sqlite3.Connection, pragma: str, value: str | int) -> None:
    """Set a PRAGMA and read it back; the names and values are this module's own constants."""
    connection.execute(f"PRAGMA {pragma} = {value}")
    actual = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    if actual != value:
        raise StoreError(f"SQLite did not accept {pragma} = {value} (it is {actual})")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for others by itself where it needs the file alone."""
    deadline = time.monotonic() + _WRITER_BUSY_MS / 1000
    while True:
        try:
            _set(connection, "journal_mode", "wal")
            return
        except sqlite3.OperationalError as error:
            if not _busy(error) or time.monotonic() > deadline:
                raise
        time.sleep(_SWITCH_PAUSE_S)


def _ensure_file(path: str) -> None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        _check_file(path)
    except OSError as error:
        raise StoreError(
            f"cannot create {path}: {error.strerror}",
            hint="Set BOUGH_STATE_DIR to a folder that you can write.",
        ) from error
    else:
        os.close(fd)


def _check_file(path: str) -> None:
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode):
        raise StoreError(f"{path} is not a regular file", hint="Remove it; bough makes its own.")
    if info.st_uid != os.geteuid():
        raise StoreError(
            f"{path} belongs to user {info.st_uid}, not to you",
            hint="Set BOUGH_STATE_DIR to a folder of your own.",
        )
    if info.st_mode & 0o077:
        raise StoreError(
            f"{path} is open to other users (mode {stat.S_IMODE(info.st_mode):o})",
            hint=f"chmod 600 '{path}'",
        )


def _check_identity(connection: sqlite3.Connection, path: str, schema: Schema) -> None:
    # All of one moment: another process may be creating the schema right now.
    connection.execute("BEGIN")
    try:
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    unmarked = mark == 0 and version == 0 and empty
    if mark != schema.application_id and not unmarked:
        raise StoreError(
            f"{path} is a database of something else, not a bough {schema.name} database",
            hint="Move it away; bough makes its own.",
        )
    if version > schema.version:
        raise SchemaMismatch(
            f"{path} was written by a newer bough (schema {version}; this one: {schema.version})",
            hint="Upgrade this bough, or use the newer one.",
        )


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring the schema up to date in one transaction; of several processes one does the work."""
    # Takes effect only before the first table exists.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for text in schema.migrations[version:]:
            for statement in _statements(text):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.application_id}")
        connection.execute(f"PRAGMA user_version = {schema.version}")


def _statements(text: str) -> Iterator[str]:
    # executescript would commit the transaction that it is called in.
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
