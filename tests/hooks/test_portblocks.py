"""Blocks of ports: inside the range, from the hash, and never shared by two living worktrees."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.config.derived import Ports
from bough.hooks.portblocks import choose, fits, numbers


def settings(**changes: Any) -> Ports:
    ordinary = {
        "low": 20000,
        "high": 32767,
        "size": 16,
        "salt": "",
        "offsets": (("A", 0), ("B", 3)),
    }
    return Ports(**{**ordinary, **changes})


PORTS = st.builds(
    lambda low, size, length, salt: settings(low=low, high=low + length - 1, size=size, salt=salt),
    st.integers(1024, 1100),
    st.integers(1, 30),
    st.integers(1, 300),
    st.sampled_from(["", "a", "b"]),
)


def test_a_worktree_finds_its_ports_again() -> None:
    block = choose(settings(), salt="repo", slug="feat-x", taken=[])
    assert block == choose(settings(), salt="repo", slug="feat-x", taken=[range(1, 5)])
    assert block == range(27728, 27744)
    assert numbers(settings(), range(27728, 27744)) == {"A": 27728, "B": 27731}


@pytest.mark.parametrize(
    "changes", [{"salt": "other"}, {"slug": "feat-y"}, {"ports": settings(salt="other")}]
)
def test_salt_and_slug_decide_where_a_block_lies(changes: dict[str, Any]) -> None:
    arguments = {"ports": settings(), "salt": "repo", "slug": "feat-x", "taken": []} | changes
    assert choose(arguments.pop("ports"), **arguments) != range(27728, 27744)


@given(st.lists(st.tuples(PORTS, st.text(max_size=5)), max_size=25))
def test_no_two_blocks_overlap_whatever_their_settings(worktrees: list[tuple[Ports, str]]) -> None:
    taken: list[range] = []
    for ports, slug in worktrees:
        block = choose(ports, salt="repo", slug=slug, taken=taken)
        if block is not None:
            assert fits(ports, block)
            assert (block.start - ports.low) % ports.size == 0
            taken.append(block)
    for one, other in combinations(taken, 2):
        assert set(one).isdisjoint(other)


@given(PORTS)
def test_every_block_is_given_out_before_there_is_none(ports: Ports) -> None:
    taken: list[range] = []
    while (block := choose(ports, salt="r", slug="s", taken=taken)) is not None:
        taken.append(block)
    assert len(taken) == ports.blocks


@pytest.mark.parametrize(
    ("block", "fit"),
    [
        (range(20000, 20016), True),
        (range(32752, 32768), True),
        (range(20000, 20015), False),
        (range(19999, 20015), False),
        (range(32753, 32769), False),
    ],
)
def test_a_block_from_earlier_is_kept_as_long_as_it_fits(block: range, fit: bool) -> None:
    assert fits(settings(), block) is fit
