"""The graph of jobs: cycles, what hangs on what, and which jobs the foreground takes over.

Pure: names and edges. An edge leads from a job to one that must be done before it; edges to names
that are not jobs are passed over, their absence is somebody else's complaint. Nothing recurses: a
chain of any length is walked with an explicit stack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

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
