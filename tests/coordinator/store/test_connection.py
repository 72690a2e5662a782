"""Opening a database: what is refused, what every connection has, that readers leave no trace."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bough.coordinator.errors import Exit, SchemaMismatch, StoreBusy, StoreError
from bough.coordinator.store import connection as database
from bough.coordinator.store import history, jobs, schemas
from bough.coordinator.store.connection import Schema, open_reader, open_writer, transaction
from tests.support.engine import Engine, at_once, background, new_invocation
from tests.support.users import as_unprivileged_user

SCHEMA = schemas.REPOSITORY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "coordinator.db"


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """SQLite without any of our rules."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def made(path: Path) -> Path:
    """A closed database of ours with one invocation in it."""
    with closing(open_writer(str(path), SCHEMA)) as connection:
        jobs.insert(connection, new_invocation(), [background("a")], "test")
    return path


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


# What every connection has.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("application_id", 0x626F7567),
        ("user_version", SCHEMA.version),
        ("journal_mode", "wal"),
        ("synchronous", 1),
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("auto_vacuum", 2),
    ],
)
@pytest.mark.parametrize("again", [False, True], ids=["new", "opened again"])
def test_a_writer_has_every_pragma(path: Path, name: str, value: object, again: bool) -> None:
    if again:
        open_writer(str(path), SCHEMA).close()
    with closing(open_writer(str(path), SCHEMA)) as connection:
        assert pragma(connection, name) == value


def test_all_tables_are_strict_and_foreign_keys_hold(path: Path) -> None:
    with closing(open_writer(str(path), SCHEMA)) as connection:
        tables = {
            row["name"]: row["strict"]
            for row in connection.execute("PRAGMA table_list")
            if row["type"] == "table" and not row["name"].startswith("sqlite_")
        }
        assert len(tables) >= 7
        assert set(tables.values()) == {1}
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO job_tags (job_id, tag) VALUES (77, 'x')")


def test_a_reader_waits_little_and_cannot_write(path: Path) -> None:
    reader = open_reader(str(made(path)), SCHEMA)
    assert reader is not None
    with closing(reader):
        assert pragma(reader, "busy_timeout") == 300
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM jobs")


def test_the_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(open_writer(str(path), SCHEMA)) as connection:
            jobs.insert(connection, new_invocation(), [background("a")], "test")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {"coordinator.db", "coordinator.db-wal", "coordinator.db-shm"}
    assert set(modes.values()) == {0o600}


def test_a_durable_commit_is_full_and_only_inside(path: Path) -> None:
    with closing(open_writer(str(path), SCHEMA)) as connection:
        with database.durable(connection):
            assert pragma(connection, "synchronous") == 2
        assert pragma(connection, "synchronous") == 1
        with pytest.raises(ZeroDivisionError), database.durable(connection):
            raise ZeroDivisionError
        assert pragma(connection, "synchronous") == 1


# What is refused, and left as it is.


def foreign(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    path.chmod(0o600)


def foreign_mark(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("PRAGMA application_id = 4711")
    path.chmod(0o600)


def not_a_database(path: Path) -> None:
    path.write_bytes(b"just some text, longer than a header would be\n" * 20)
    path.chmod(0o600)


def damaged(path: Path) -> None:
    made(path)
    data = bytearray(path.read_bytes())
    data[100:4096] = os.urandom(3996)
    path.write_bytes(data)


def open_to_others(path: Path) -> None:
    made(path)
    path.chmod(0o644)


def writable_by_others(path: Path) -> None:
    made(path)
    path.chmod(0o620)


def link(path: Path) -> None:
    made(path.with_name("elsewhere.db"))
    path.symlink_to(path.with_name("elsewhere.db"))


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.db"))


def folder(path: Path) -> None:
    path.mkdir()


REFUSED = [
    (foreign, "database of something else"),
    (foreign_mark, "database of something else"),
    (not_a_database, "not a database"),
    (damaged, "damaged"),
    (open_to_others, "open to other users"),
    (writable_by_others, "open to other users"),
    (link, "not a regular file"),
    (dangling_link, "not a regular file"),
    (folder, "not a regular file"),
]


def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below a folder: its mode, its time, its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        found[str(path)] = (info.st_mode, info.st_mtime_ns, data)
    return found


def refusal(function: Callable[[], sqlite3.Connection | None]) -> StoreError:
    with pytest.raises(StoreError) as error:
        function()
    return error.value


@pytest.mark.parametrize(
    ("plant", "says"), REFUSED, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_not_ours_is_refused_with_a_way_out_and_not_touched(
    path: Path, plant: Callable[[Path], None], says: str
) -> None:
    plant(path)
    before = everything(path.parent)
    openers = [open_writer] if plant is dangling_link else [open_writer, open_reader]
    for opener in openers:
        error = refusal(lambda opener=opener: opener(str(path), SCHEMA))  # type: ignore[misc]  # bound per round
        assert says in error.message
        assert str(path) in error.message
        assert error.hint
        assert everything(path.parent) == before


def test_a_newer_schema_is_refused_naming_both_versions(path: Path) -> None:
    with plain(made(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = everything(path.parent)
    for opener in (open_writer, open_reader):
        error = refusal(lambda opener=opener: opener(str(path), SCHEMA))  # type: ignore[misc]  # bound per round
        assert isinstance(error, SchemaMismatch)
        assert error.exit == Exit.COORDINATOR
        assert "schema 99" in error.message
        assert f"this one: {SCHEMA.version}" in error.message
        assert everything(path.parent) == before


def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(made(path), 12345, -1)
    for opener in (open_writer, open_reader):
        error = refusal(lambda opener=opener: opener(str(path), SCHEMA))  # type: ignore[misc]  # bound per round
        assert "belongs to user 12345" in error.message


def test_a_folder_that_cannot_be_written_says_so(path: Path) -> None:
    path.parent.chmod(0o500)

    def said() -> str:
        error = refusal(lambda: open_writer(str(path), SCHEMA))
        return f"{error.message}; {error.hint}"

    text = as_unprivileged_user(said)
    path.parent.chmod(0o700)
    assert "cannot create" in text
    assert "BOUGH_STATE_DIR" in text


def test_a_missing_database_is_none_to_readers_and_stays_missing(path: Path) -> None:
    assert open_reader(str(path), SCHEMA) is None
    assert list(path.parent.iterdir()) == []


def test_a_path_that_means_something_in_a_uri_is_taken_literally(tmp_path: Path) -> None:
    odd = tmp_path / "a?mode=ro&b#c%41 \udcff"
    odd.mkdir()
    made(odd / "coordinator.db")
    reader = open_reader(str(odd / "coordinator.db"), SCHEMA)
    assert reader is not None
    with closing(reader):
        assert len(history.page(reader, history.Filter()).jobs) == 1
    assert [file.name for file in odd.iterdir()] == ["coordinator.db"]


# Readers create and change nothing.


def read_all(path: Path) -> int:
    reader = open_reader(str(path), SCHEMA)
    assert reader is not None
    with closing(reader):
        return len(history.page(reader, history.Filter()).jobs)


def test_a_reader_of_a_closed_database_leaves_no_trace(path: Path) -> None:
    made(path)
    before = everything(path.parent)
    assert set(before) == {str(path)}
    assert read_all(path) == 1
    assert everything(path.parent) == before


def test_a_reader_beside_a_writer_leaves_no_trace_and_sees_what_is_committed(path: Path) -> None:
    made(path)
    with closing(open_writer(str(path), SCHEMA)) as writer:
        jobs.insert(writer, new_invocation(), [background("b")], "test")
        names = {file.name for file in path.parent.iterdir()}
        database_file = path.read_bytes()
        log = path.with_name("coordinator.db-wal").read_bytes()
        assert read_all(path) == 2
        assert {file.name for file in path.parent.iterdir()} == names
        assert path.read_bytes() == database_file
        assert path.with_name("coordinator.db-wal").read_bytes() == log


def test_a_reader_needs_no_permission_to_write(path: Path) -> None:
    made(path)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert as_unprivileged_user(lambda: read_all(path)) == 1
    finally:
        path.parent.chmod(0o700)


# Transactions.


def test_an_error_inside_a_transaction_undoes_all_of_it(path: Path) -> None:
    with closing(open_writer(str(path), SCHEMA)) as connection:

        def insert_and_fail() -> None:
            with transaction(connection):
                connection.execute("INSERT INTO repo_policy VALUES ('a', 1, '', '', 0)")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            insert_and_fail()
        assert connection.execute("SELECT count(*) FROM repo_policy").fetchone()[0] == 0
        with transaction(connection):
            connection.execute("INSERT INTO repo_policy VALUES ('a', 1, '', '', 0)")
        assert connection.execute("SELECT count(*) FROM repo_policy").fetchone()[0] == 1


def test_a_full_database_is_an_error_of_ours_and_the_connection_stays_usable(path: Path) -> None:
    with closing(open_writer(str(path), SCHEMA)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"), transaction(connection):
            connection.execute(
                "INSERT INTO repo_policy VALUES ('a', 1, ?, '', 0)", ("x" * 100_000,)
            )
        assert not connection.in_transaction
        connection.execute("PRAGMA max_page_count = 100000")
        with transaction(connection):
            connection.execute("INSERT INTO repo_policy VALUES ('a', 1, '', '', 0)")


def test_a_database_that_stays_locked_is_busy_and_says_to_try_again(path: Path) -> None:
    made(path)
    with (
        closing(open_writer(str(path), SCHEMA)) as holder,
        closing(open_writer(str(path), SCHEMA)) as waiting,
    ):
        waiting.execute("PRAGMA busy_timeout = 10")
        with transaction(holder), pytest.raises(StoreBusy) as error, transaction(waiting):
            pytest.fail("it got in")
        assert "Try again" in error.value.hint


def test_of_many_processes_that_create_one_database_none_fails(path: Path) -> None:
    def insert() -> object:
        with closing(open_writer(str(path), SCHEMA)) as connection:
            for _ in range(5):
                jobs.insert(connection, new_invocation(), [background("a")], "test")
            return pragma(connection, "auto_vacuum")

    assert at_once([insert] * 32) == [2] * 32
    with plain(path) as connection:
        assert pragma(connection, "integrity_check") == "ok"
        assert pragma(connection, "journal_mode") == "wal"
        assert connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 160


def test_migrations_that_are_new_are_applied_in_order_and_once(path: Path) -> None:
    first = Schema(name="x", application_id=7, migrations=("CREATE TABLE a (n INTEGER) STRICT;",))
    second = Schema(
        name="x",
        application_id=7,
        migrations=(
            *first.migrations,
            "ALTER TABLE a ADD COLUMN m INTEGER; -- one\nINSERT INTO a VALUES (1,\n 2);\n",
            "UPDATE a SET m = m + 1;",
        ),
    )
    open_writer(str(path), first).close()
    for _ in range(2):
        with closing(open_writer(str(path), second)) as connection:
            assert [tuple(row) for row in connection.execute("SELECT * FROM a")] == [(1, 3)]
            assert pragma(connection, "user_version") == 3
    assert isinstance(refusal(lambda: open_writer(str(path), first)), SchemaMismatch)


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    first = Schema(name="x", application_id=7, migrations=("CREATE TABLE a (n INTEGER) STRICT;",))
    broken = Schema(
        name="x", application_id=7, migrations=(*first.migrations, "CREATE TABLE b (n);\nFAIL;")
    )
    open_writer(str(path), first).close()
    refusal(lambda: open_writer(str(path), broken))
    with plain(path) as connection:
        assert pragma(connection, "user_version") == 1
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        assert tables == [("a",)]


def test_the_scratch_database_takes_rows_and_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    with closing(schemas.write_scratch()) as connection:
        made = jobs.insert(connection, new_invocation(), [background("a")], "test")
        assert jobs.by_ids(connection, [made[0].id]) == made
    assert not engine.state.exists()
    assert list(tmp_path.iterdir()) == []
