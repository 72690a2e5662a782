"""The graph of jobs: cycles, what hangs on what, and which jobs the foreground takes over.

Pure: names and edges. An edge leads from a job to one that must be done before it; edges to names
that are not jobs are passed over, their absence is somebody else's complaint. Nothing recurses: a
chain of any length is walked with an explicit stack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush

Edges = Mapping[str, Collection[str]]
"""From every job, in declared order, to what must be done before it."""


def cycles(edges: Edges) -> tuple[tuple[str, ...], ...]:
    """Cycles of two jobs or more as `(a, b, a)`: a waits for b, b for a. None: there is none.

    No job is in two of them: breaking what is shown may reveal another.
    """
    found: list[tuple[str, ...]] = []
    shown: set[str] = set()
    done: set[str] = set()
    for start in edges:
        for cycle in _closing(start, edges, done):
            if len(cycle) > 1 and shown.isdisjoint(cycle):
                shown.update(cycle)
                found.append((*cycle, cycle[0]))
    return tuple(found)


def _closing(start: str, edges: Edges, done: set[str]) -> Iterator[list[str]]:
    """Walk in depth from `start`; the path between the two ends of every edge that leads back."""
    if start in done:
        return
    path = {start: iter(edges[start])}
    while path:
        name, rest = next(reversed(path.items()))
        following = next(rest, None)
        if following is None:
            done.add(name)
            del path[name]
        elif following in path:
            names = list(path)
            yield names[names.index(following) :]
        elif following in edges and following not in done:
            path[following] = iter(edges[following])


def dependents(edges: Edges) -> dict[str, list[str]]:
    """The same edges the other way: from every job to those that wait for it."""
    turned: dict[str, list[str]] = {name: [] for name in edges}
    for name, others in edges.items():
        for other in others:
            if other in turned:
                turned[other].append(name)
    return turned


def reached(starts: Iterable[str], edges: Edges) -> dict[str, str]:
    """What can be reached from `starts`, without these, and from which neighbour each was."""
    via: dict[str, str] = {}
    waiting = list(starts)
    known = set(waiting)
    while waiting:
        name = waiting.pop(0)
        for other in edges.get(name, ()):
            if other in edges and other not in known:
                known.add(other)
                via[other] = name
                waiting.append(other)
    return via


def promoted(edges: Edges, foreground: Collection[str]) -> dict[str, str]:
    """The background jobs that foreground ones wait for, through any number of others.

    They run in the foreground too, so that a command never waits for the coordinator. Each with
    the job that made it so.
    """
    return reached((name for name in edges if name in foreground), edges)


def start_order(edges: Edges, priorities: Mapping[str, int]) -> tuple[str, ...]:
    """The order in which jobs start if one runs at a time: each after what it waits for; of several
    that are ready, the one with the lowest priority, else the one declared first.

    The edges have no cycle.
    """
    rank = {name: (priorities.get(name, 0), ordinal) for ordinal, name in enumerate(edges)}
    left = {name: sum(other in edges for other in set(edges[name])) for name in edges}
    behind = dependents({name: tuple(dict.fromkeys(edges[name])) for name in edges})
    ready = [(rank[name], name) for name, count in left.items() if not count]
    heapify(ready)
    order: list[str] = []
    while ready:
        _rank, name = heappop(ready)
        order.append(name)
        for other in behind[name]:
            left[other] -= 1
            if not left[other]:
                heappush(ready, (rank[other], other))
    return tuple(order)


def last_before(edges: Edges, weights: Mapping[str, int]) -> dict[str, str]:
    """For every job that waits for others, the one of these that is done last.

    `weights` are how long jobs take; one without is taken to need no time. Whoever is done at the
    same time counts as later if it starts later.
    """
    done: dict[str, tuple[int, int]] = {}
    last: dict[str, str] = {}
    for position, name in enumerate(start_order(edges, {})):
        others = [other for other in edges[name] if other in edges]
        begin = 0
        if others:
            last[name] = max(others, key=done.__getitem__)
            begin = done[last[name]][0]
        done[name] = (begin + weights.get(name, 0), position)
    return last


def critical_path(edges: Edges, weights: Mapping[str, int]) -> tuple[str, ...]:
    """The chain of jobs that takes longest from its begin to its end; () if no weight is known."""
    last = last_before(edges, weights)
    total: dict[str, int] = {}
    for name in start_order(edges, {}):
        total[name] = weights.get(name, 0) + total.get(last.get(name, ""), 0)
    if not any(total.values()):
        return ()
    path = [max(total, key=total.__getitem__)]
    while path[-1] in last:
        path.append(last[path[-1]])
    return tuple(reversed(path))
