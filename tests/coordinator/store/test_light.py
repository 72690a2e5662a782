"""What completion reads from the database: the truth, quickly, without leaving a trace."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import platformdirs
import pytest

from bough.coordinator import places
from bough.coordinator.model import NewJob, Owner, SkipClass
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import jobs, light, schemas
from tests.support.engine import foreground, new_invocation, spec
from tests.support.users import as_unprivileged_user


@pytest.fixture
def state() -> StatePlaces:
    return places.for_repository("11111111-2222-3333-4444-555555555555")


def record(
    connection: sqlite3.Connection, invocation: str, *names: str, tree: str = "tree"
) -> None:
    rows = [foreground(name) for name in names]
    new = new_invocation(id=invocation, worktree_name=tree)
    jobs.insert(connection, new, rows, by="test")


def files(root: str) -> dict[str, tuple[int, int, bytes]]:
    return {
        entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size, Path(entry.path).read_bytes())
        for entry in os.scandir(root)
    }


def test_the_newest_jobs_come_first_with_what_addresses_need(state: StatePlaces) -> None:
    with closing(schemas.write_repository(state)) as connection:
        record(connection, "a" * 16, "build", "test:unit")
        record(connection, "b" * 16, "../../x", "caf\udce9", tree="w t")
    assert light.recent_jobs(state.root, 10) == [
        ("caf\udce9", "b" * 16, "w t", "queued"),
        ("../../x", "b" * 16, "w t", "queued"),
        ("test:unit", "a" * 16, "tree", "queued"),
        ("build", "a" * 16, "tree", "queued"),
    ]
    assert [job[0] for job in light.recent_jobs(state.root, 1)] == ["caf\udce9"]


def test_the_status_is_told(state: StatePlaces) -> None:
    skipped = NewJob(spec=spec("job"), owner=Owner.FOREGROUND, skip=SkipClass.USER)
    with closing(schemas.write_repository(state)) as connection:
        jobs.insert(connection, new_invocation(), [skipped], by="test")
    assert light.recent_jobs(state.root, 1)[0][3] == "skipped"


@pytest.fixture(params=["closed", "open", "abandoned"])
def used(
    request: pytest.FixtureRequest, state: StatePlaces, tmp_path: Path
) -> Iterator[StatePlaces]:
    """A database that nobody uses, one that somebody writes, and one whose writer was killed."""
    abandoned = StatePlaces(root=str(tmp_path / "abandoned"))
    with closing(schemas.write_repository(state)) as connection:
        record(connection, "a" * 16, "build")
        shutil.copytree(state.root, abandoned.root)
        if request.param == "open":
            yield state
    if request.param != "open":
        yield state if request.param == "closed" else abandoned


def test_reading_leaves_no_trace(used: StatePlaces) -> None:
    before = files(used.root)
    assert [job[0] for job in light.recent_jobs(used.root, 5)] == ["build"]
    after = files(used.root)
    # Readers of a database in use register in its shared memory, as they must.
    assert {name: after[name] for name in after if not name.endswith("-shm")} == {
        name: before[name] for name in before if not name.endswith("-shm")
    }
    assert set(after) == set(before)


def test_a_folder_of_any_name_will_do(tmp_path: Path) -> None:
    odd = StatePlaces(root=str(tmp_path / "a?b#c%41 \n'\udce9"))
    with closing(schemas.write_repository(odd)) as connection:
        record(connection, "a" * 16, "build")
    assert [job[0] for job in light.recent_jobs(odd.root, 5)] == ["build"]


def test_no_database_is_no_answer_and_makes_none(state: StatePlaces) -> None:
    assert light.recent_jobs(state.root, 5) == []
    assert not os.path.exists(state.root)
    os.makedirs(state.root)
    assert light.recent_jobs(state.root, 5) == []
    assert os.listdir(state.root) == []


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 500]
)
def test_what_is_no_database_is_no_answer(state: StatePlaces, content: bytes) -> None:
    os.makedirs(state.root)
    Path(state.database).write_bytes(content)
    assert light.recent_jobs(state.root, 5) == []
    assert Path(state.database).read_bytes() == content


def test_another_schema_is_no_answer(state: StatePlaces) -> None:
    os.makedirs(state.root)
    with closing(sqlite3.connect(state.database)) as connection:
        connection.execute("CREATE TABLE jobs (id INTEGER)")
    assert light.recent_jobs(state.root, 5) == []


def test_a_folder_that_may_not_be_written_is_read(state: StatePlaces) -> None:
    with closing(schemas.write_repository(state)) as connection:
        record(connection, "a" * 16, "build")
    os.chmod(state.root, 0o500)
    try:
        found = as_unprivileged_user(lambda: light.recent_jobs(state.root, 5))
        assert len(found) == 1
    finally:
        os.chmod(state.root, 0o700)


def test_the_state_is_where_the_store_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert light.state_folders("id") == [places.for_repository("id").root]
    monkeypatch.delenv("BOUGH_STATE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for xdg in (str(tmp_path / "xdg"), "", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", xdg)
        expected = f"{platformdirs.user_state_dir('bough')}/repos/id"
        assert light.state_folders("id")[0] == expected, xdg
    monkeypatch.setenv("BOUGH_STATE_DIR", "relative")
    assert light.state_folders("id") == []
