"""Who waits for whom because of the order in which a hook and its groups list their jobs.

Pure: jobs in, names out. In a hook or group with an order, whatever is in one step waits for all
that runs in the step before it; a group is one step of what surrounds it. Steps in which nothing
runs are passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bough.hooks.config.model import Job, Mode

_Step = tuple[str, int | str]


@dataclass(slots=True, kw_only=True)
class Before:
    """What comes before a job: `needs` must have gone well, `after` must merely be done."""

    needs: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [*self.needs, *self.after]


def ordered(mode: Mode, jobs: Iterable[Job]) -> dict[str, Before]:
    """For each of `jobs` (in declared order), which of the others come before it.

    `mode` is the hook's; groups have their own.
    """
    before: dict[str, Before] = {}
    reached: dict[int, list[tuple[_Step, list[str]]]] = {}
    for job in jobs:
        mine = before[job.name] = Before()
        around = [(0, mode), *((group.number, group.mode) for group in job.groups)]
        steps: list[_Step] = [("group", group.number) for group in job.groups]
        steps.append(("job", job.name))
        for (number, order), step in zip(around, steps, strict=True):
            known = reached.setdefault(number, [])
            if not known or known[-1][0] != step:
                known.append((step, []))
            if len(known) > 1 and order is not Mode.PARALLEL:
                (mine.needs if order is Mode.PIPED else mine.after).extend(known[-2][1])
            known[-1][1].append(job.name)
    return before
