"""Consent with its audit, announced changes, and the knobs of a repository."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bough.coordinator import processes
from bough.coordinator.store import consent, policy, registry, schemas
from bough.coordinator.store.connection import open_writer
from bough.coordinator.store.registry import Kind
from tests.support.engine import at_once
from tests.support.isolation import Sandbox

Connection = sqlite3.Connection


@pytest.fixture
def user() -> Iterator[Connection]:
    with closing(schemas.write_user()) as connection:
        yield connection


def grant(connection: Connection, **what: str) -> None:
    fields = {
        "repository": "r1",
        "path": "/repo",
        "part": "tracked",
        "fingerprint": "f1",
        "content": "hooks:",
        "how": "prompt",
    }
    consent.grant(connection, **(fields | what))


def audit(connection: Connection) -> list[tuple[str, str, str, str, str, str]]:
    rows = connection.execute("SELECT * FROM audit ORDER BY id")
    keys = ("action", "repository", "path", "part", "fingerprint", "how")
    return [tuple(row[key] for key in keys) for row in rows]


def test_the_user_database_is_private_and_of_its_own_kind(
    user: Connection, sandbox: Sandbox
) -> None:
    path = Path(sandbox.config) / "bough.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert user.execute("PRAGMA application_id").fetchone()[0] == 0x626F7575
    reader = schemas.read_user()
    assert reader is not None
    reader.close()


def test_without_a_database_there_is_no_consent(sandbox: Sandbox) -> None:
    assert schemas.read_user() is None
    assert not sandbox.config.exists()


def test_a_grant_is_there_with_what_was_shown(user: Connection) -> None:
    path = os.fsdecode(b"/caf\xe9")
    grant(user, path=path, content="hooks: \udcff")
    (found,) = consent.grants(user, "r1")
    assert (found.repository, found.path, found.part, found.fingerprint) == (
        "r1",
        path,
        "tracked",
        "f1",
    )
    assert found.content == "hooks: \udcff"
    assert found.granted_at > 0
    assert audit(user) == [("grant", "r1", path, "tracked", "f1", "prompt")]


def test_consent_is_for_one_repository(user: Connection) -> None:
    grant(user)
    grant(user, repository="r2", fingerprint="f2")
    assert [found.fingerprint for found in consent.grants(user, "r1")] == ["f1"]
    assert consent.grants(user, "r") == ()
    assert [found.repository for found in consent.grants(user)] == ["r2", "r1"]


def test_the_same_consent_again_is_one_grant_and_two_lines(user: Connection) -> None:
    grant(user)
    grant(user, path="/moved", how="command")
    (found,) = consent.grants(user, "r1")
    assert found.path == "/moved"
    assert [line[-1] for line in audit(user)] == ["prompt", "command"]


def test_revoking_takes_all_parts_of_one_repository_and_says_how_many(user: Connection) -> None:
    grant(user)
    grant(user, part="local", fingerprint="f2")
    grant(user, part="always", fingerprint="")
    grant(user, repository="r2")
    assert consent.revoke(user, repository="r1", path="/repo", how="command") == 3
    assert consent.grants(user, "r1") == ()
    assert len(consent.grants(user, "r2")) == 1
    assert sorted(line[3] for line in audit(user) if line[0] == "revoke") == [
        "always",
        "local",
        "tracked",
    ]
    assert consent.revoke(user, repository="r1", path="/repo", how="command") == 0


def test_a_part_that_nobody_knows_cannot_be_granted(user: Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        grant(user, part="everything")
    assert audit(user) == []


# Announced changes.


def test_an_announced_change_is_consumed_once(connection: Connection) -> None:
    registry.expect(connection, Kind.CREATE, "/w")
    assert registry.consume(connection, Kind.CREATE, "/w")
    assert not registry.consume(connection, Kind.CREATE, "/w")


@pytest.mark.parametrize(("kind", "path"), [(Kind.REMOVE, "/w"), (Kind.CREATE, "/w2")])
def test_an_announcement_is_for_one_kind_and_one_path(
    connection: Connection, kind: Kind, path: str
) -> None:
    registry.expect(connection, Kind.CREATE, "/w")
    assert not registry.consume(connection, kind, path)
    assert registry.consume(connection, Kind.CREATE, "/w")


def test_a_withdrawn_announcement_means_nothing(connection: Connection) -> None:
    path = os.fsdecode(b"/caf\xe9")
    registry.expect(connection, Kind.MOVE, path)
    registry.withdraw(connection, Kind.MOVE, path)
    assert not registry.consume(connection, Kind.MOVE, path)


def test_the_announcement_of_a_process_that_died_means_nothing_and_goes(
    connection: Connection,
) -> None:
    def announce() -> int:
        with closing(open_writer(_file(connection), schemas.REPOSITORY)) as mine:
            registry.expect(mine, Kind.CREATE, "/w")
        return os.getpid()

    (pid,) = at_once([announce])
    assert processes.identify(pid) is None
    assert not registry.consume(connection, Kind.CREATE, "/w")
    assert connection.execute("SELECT count(*) FROM expected_changes").fetchone()[0] == 0


def _file(connection: Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()["file"])


def test_of_two_who_meet_an_announced_change_one_consumes_it(connection: Connection) -> None:
    registry.expect(connection, Kind.CREATE, "/w")
    path = _file(connection)

    def consume() -> bool:
        with closing(open_writer(path, schemas.REPOSITORY)) as mine:
            return registry.consume(mine, Kind.CREATE, "/w")

    assert sorted(at_once([consume] * 6)) == [False] * 5 + [True]


# Knobs.


def knob(connection: Connection, name: str) -> tuple[int, str, str]:
    row = connection.execute("SELECT * FROM repo_policy WHERE knob = ?", (name,)).fetchone()
    return row["value"], row["source"], row["commit_id"]


def test_a_knob_is_stored_with_who_said_so(connection: Connection) -> None:
    source = os.fsdecode(b"/caf\xe9/bough.yml")
    policy.state(connection, {policy.MAX_PARALLEL: 3}, source=source, commit="c1")
    assert knob(connection, "max_parallel") == (3, source, "c1")
    assert policy.all_values(connection) == {"max_parallel": 3}


def test_a_knob_that_is_not_mentioned_keeps_its_value(connection: Connection) -> None:
    policy.state(connection, {policy.MAX_PARALLEL: 3}, source="a", commit="c1")
    policy.state(connection, {policy.IDLE_EXIT_MS: 9}, source="b", commit="c2")
    policy.state(connection, {}, source="c", commit="c3")
    assert policy.all_values(connection) == {"max_parallel": 3, "idle_exit_ms": 9}
    assert knob(connection, "max_parallel") == (3, "a", "c1")


def test_a_knob_that_says_the_same_again_is_not_written_again(connection: Connection) -> None:
    policy.state(connection, {policy.MAX_PARALLEL: 3}, source="a", commit="c1")
    policy.state(connection, {policy.MAX_PARALLEL: 3}, source="b", commit="c2")
    assert knob(connection, "max_parallel") == (3, "a", "c1")
    policy.state(connection, {policy.MAX_PARALLEL: 4}, source="b", commit="c2")
    assert knob(connection, "max_parallel") == (4, "b", "c2")
