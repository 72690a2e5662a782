"""Blocks of ports in the store: kept, given up with their owner, chosen one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from bough.coordinator.store import schemas
from bough.coordinator.store.ports import held, settle
from tests.support.engine import Engine


def lowest(taken: Collection[range]) -> range | None:
    return next((b for n in range(4) if (b := range(n * 10, n * 10 + 10)) not in taken), None)


def test_a_block_is_held_until_its_owner_is_gone(connection: sqlite3.Connection) -> None:
    assert held(connection, "a") is None
    assert settle(connection, "a", living=lambda: ["a"], choose=lowest) == range(10)
    assert settle(connection, "b\udcff", living=lambda: ["a"], choose=lowest) == range(10, 20)
    assert held(connection, "a") == range(10)
    assert settle(connection, "c", living=lambda: ["b\udcff"], choose=lowest) == range(10)
    assert held(connection, "a") is None
    assert held(connection, "b\udcff") == range(10, 20)


def test_an_owner_may_get_its_own_block_again(connection: sqlite3.Connection) -> None:
    living = ["a", "b"]
    for owner in living:
        settle(connection, owner, living=lambda: living, choose=lowest)
    assert settle(connection, "a", living=lambda: living, choose=lowest) == range(10)


def test_without_a_choice_nothing_is_held(connection: sqlite3.Connection) -> None:
    assert settle(connection, "a", living=lambda: ["a"], choose=lambda _taken: None) is None
    assert held(connection, "a") is None


def test_of_many_at_once_each_gets_its_own(engine: Engine) -> None:
    owners = [f"w{number}" for number in range(4)]

    def take(owner: str) -> range | None:
        connection = schemas.write_repository(engine.places)
        try:
            return settle(connection, owner, living=lambda: owners, choose=lowest)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        blocks = list(pool.map(take, owners))
    assert sorted(str(block) for block in blocks) == [
        *("range(0, 10)", "range(10, 20)", "range(20, 30)", "range(30, 40)"),
    ]
