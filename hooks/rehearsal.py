"""What firing an event would do, found out without doing it.

Conditions are looked at as they are now. Nothing is written, nobody is asked for consent, and no
job is started. Commands that list files run for a trusted configuration alone; jobs of another are
taken to have files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bough.coordinator.model import NewJob
from bough.hooks import trust
from bough.hooks.circumstances import facts_of, with_lists
from bough.hooks.firing import Ground, Occasion, Terms
from bough.hooks.graph import start_order
from bough.hooks.ledger import presentable
from bough.hooks.plan import plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The jobs of an event as their rows would show them.

    `running` in the order in which they would start one at a time, `skipped` as declared. `edges`
    lead from every job, skipped ones included, to what comes before it.
    """

    running: tuple[NewJob, ...]
    skipped: tuple[NewJob, ...]
    edges: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    unmatched: tuple[str, ...]


def rehearse(ground: Ground, terms: Terms, occasion: Occasion) -> Rehearsal:
    """The plan of the occasion, in graph order."""
    facts = facts_of(ground, terms, occasion, "")
    if trust.standing(occasion.config, ground.repo_id, ground.common_dir).trusted:
        facts = with_lists(terms, occasion, facts)
    made = plan(occasion.hook, occasion.event, facts, terms.selectors, terms.override, terms.choice)
    jobs = {job.spec.name: presentable(job, terms.env) for job in made.jobs}
    edges = {
        name: tuple(dict.fromkeys((*job.spec.needs, *job.spec.after))) for name, job in jobs.items()
    }
    running = {name: edges[name] for name, job in jobs.items() if job.skip is None}
    order = start_order(running, {name: jobs[name].spec.priority for name in running})
    return Rehearsal(
        running=tuple(jobs[name] for name in order),
        skipped=tuple(job for job in jobs.values() if job.skip is not None),
        edges=edges,
        warnings=made.warnings,
        unmatched=made.unmatched,
    )
