"""Cycles, dependents, promotion."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.graph import (
    critical_path,
    cycles,
    dependents,
    last_before,
    promoted,
    reached,
    start_order,
)

Graph = Mapping[str, list[str]]


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({}, ()),
        ({"a": ["b"], "b": []}, ()),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, ()),
        ({"a": ["a"]}, ()),
        ({"a": ["ghost"]}, ()),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, (("a", "b", "c", "a"),)),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, (("a", "b", "a"),)),
        (
            {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]},
            (("a", "b", "a"), ("c", "d", "c")),
        ),
        ({"a": ["b"], "b": ["a", "c"], "c": ["b"]}, (("a", "b", "a"),)),
    ],
)
def test_cycles_are_shown_as_a_way_back_to_their_start(
    edges: Graph, found: tuple[tuple[str, ...], ...]
) -> None:
    assert cycles(edges) == found


NODES = "abcdefg"
graphs = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(NODES), max_size=3, unique=True) for name in NODES}
)


def sorted_out(edges: Graph) -> bool:
    """Whether taking away jobs without needs, again and again, takes away all."""
    left = {name: set(others) - {name} for name, others in edges.items()}
    while ready := [name for name, others in left.items() if not others & left.keys()]:
        for name in ready:
            del left[name]
    return not left


@given(graphs)
def test_there_is_a_cycle_exactly_where_no_order_is(edges: Graph) -> None:
    found = cycles(edges)
    assert bool(found) is not sorted_out(edges)
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1 >= 2
        for job, need in pairwise(cycle):
            assert need in edges[job]


def test_a_chain_of_any_length_is_walked() -> None:
    length = 20_000
    chain = {str(n): [str(n + 1)] for n in range(length)} | {str(length): []}
    assert cycles(chain) == ()
    assert len(promoted(chain, {"0"})) == length
    (cycle,) = cycles(chain | {str(length): ["0"]})
    assert len(cycle) == length + 2


def test_dependents_are_the_edges_turned() -> None:
    assert dependents({"a": ["b", "ghost"], "b": [], "c": ["b"]}) == {
        "a": [],
        "b": ["a", "c"],
        "c": [],
    }


def test_what_is_reached_names_its_neighbour() -> None:
    edges = {"a": ["b"], "b": ["c"], "c": [], "d": ["c"]}
    assert reached(["a"], edges) == {"b": "a", "c": "b"}
    assert reached(["a", "b"], edges) == {"c": "b"}
    assert reached(["ghost"], edges) == {}


@given(graphs, st.sets(st.sampled_from(NODES)))
def test_after_promotion_no_foreground_job_waits_for_a_background_one(
    edges: Graph, foreground: set[str]
) -> None:
    taken = promoted(edges, foreground)
    assert taken.keys().isdisjoint(foreground)
    everything = foreground | taken.keys()
    for job in everything:
        assert set(edges[job]) <= everything
    for job, via in taken.items():
        assert via in everything
        assert job in edges[via]


@given(graphs, st.dictionaries(st.sampled_from(NODES), st.integers(-2, 2)))
def test_the_start_order_keeps_every_edge_and_prefers_low_priorities(
    edges: Graph, priorities: dict[str, int]
) -> None:
    acyclic = {name: [o for o in others if o < name] for name, others in edges.items()}
    order = start_order(acyclic, priorities)
    assert sorted(order) == sorted(acyclic)
    for place, name in enumerate(order):
        before = set(order[:place])
        assert set(acyclic[name]) & set(acyclic) <= before
        ready = [n for n in acyclic if n not in before and set(acyclic[n]) & set(acyclic) <= before]
        assert priorities.get(name, 0) == min(priorities.get(other, 0) for other in ready)


def test_of_equals_the_one_declared_first_starts_first() -> None:
    assert start_order({"b": [], "a": [], "c": ["a"], "d": []}, {"d": -1}) == ("d", "b", "a", "c")


def test_the_critical_path_is_the_chain_that_takes_longest() -> None:
    edges = {"a": [], "b": [], "c": ["a", "b"], "d": ["c"], "e": ["b"]}
    assert critical_path(edges, {"a": 5, "b": 3, "c": 1, "d": 1, "e": 3}) == ("a", "c", "d")
    assert critical_path(edges, {"b": 3, "e": 9}) == ("b", "e")
    assert critical_path(edges, {}) == ()
    assert last_before(edges, {"a": 5}) == {"c": "a", "d": "c", "e": "b"}
    assert last_before(edges, {}) == {"c": "b", "d": "c", "e": "b"}


@given(graphs, st.dictionaries(st.sampled_from(NODES), st.integers(1, 9), min_size=1))
def test_no_chain_takes_longer_than_the_critical_path(
    edges: Graph, weights: dict[str, int]
) -> None:
    acyclic = {name: [o for o in others if o < name] for name, others in edges.items()}
    weights = {name: weight for name, weight in weights.items() if name in acyclic}
    path = critical_path(acyclic, weights)
    for before, after in pairwise(path):
        assert before in acyclic[after]

    def longest(name: str) -> int:
        return weights.get(name, 0) + max(
            (longest(o) for o in acyclic[name] if o in acyclic), default=0
        )

    assert sum(weights.get(name, 0) for name in path) == max(map(longest, acyclic), default=0)
