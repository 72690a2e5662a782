"""What may start, what must be skipped, what waits: one decision for command and coordinator alike.

Pure: a function from rows and a moment to a decision. Whoever owns the rows acts on it.

A job starts the moment its needs are done; there are no waves. A need with a retry to come is not
done, which follows from looking at latest attempts only: the retry is already a queued row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bough.coordinator.locking import Claim, in_the_way
from bough.coordinator.model import Job, Owner, SkipClass, Status, When


class Need(StrEnum):
    """What a needed job means to the one that needs it."""

    PENDING = "pending"
    SATISFIED = "satisfied"
    UNSATISFIED = "unsatisfied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A queued job that will never run, and why."""

    job: Job
    reason: str
    skip_class: SkipClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A job that could start but for its locks, and who is in the way."""

    job: Job
    blockers: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now: `start` in this order, `skip`, line up what is `locked`; look again at
    `wake_at` (ms) at the latest."""

    start: tuple[Job, ...]
    skip: tuple[Skip, ...]
    locked: tuple[Locked, ...] = ()
    wake_at: int | None = None


def need_of(job: Job) -> Need:
    """How the present state of `job` counts for those that need it."""
    if not job.status.terminal:
        return Need.PENDING
    if job.status is Status.SUCCEEDED:
        return Need.SATISFIED
    if job.status is Status.FAILED and job.spec.allow_failure:
        return Need.SATISFIED
    if job.status is Status.SKIPPED and job.skip_class is SkipClass.CONDITION:
        return Need.SATISFIED
    return Need.UNSATISFIED


LOCK_POLL_MS = 200
"""How long whoever waits for a lock waits between two looks; nobody tells when one is free."""


def decide(
    jobs: Sequence[Job],
    *,
    owner: Owner,
    now: int,
    free: int | None = None,
    claims: Sequence[Claim] = (),
) -> Decision:
    """What the owner of these rows does next.

    `jobs` are the latest attempts of whole invocations; rows of the other owner are looked at only
    as needs. `free` is how many more may start (None: no cap); `claims` are all claims to locks.
    Jobs start in the order of (priority, firing, declaration); lower priorities first.
    """
    by_name = {(job.invocation_key, job.name): job for job in jobs}
    ready: list[Job] = []
    skip: list[Skip] = []
    wake_at: int | None = None
    for job in jobs:
        if job.owner is not owner or job.status is not Status.QUEUED:
            continue
        verdict = _readiness(job, by_name)
        if isinstance(verdict, Skip):
            skip.append(verdict)
        elif verdict:
            if job.not_before is not None and job.not_before > now:
                wake_at = job.not_before if wake_at is None else min(wake_at, job.not_before)
            else:
                ready.append(job)
    locked = tuple(
        Locked(job=job, blockers=found) for job in ready if (found := in_the_way(job, claims))
    )
    if locked:
        wake_at = min(now + LOCK_POLL_MS, wake_at or now + LOCK_POLL_MS)
    waiting = {item.job.id for item in locked}
    ready = [job for job in ready if job.id not in waiting]
    ready.sort(key=lambda job: (job.spec.priority, job.invocation_key, job.ordinal))
    return Decision(
        start=tuple(ready if free is None else ready[: max(free, 0)]),
        skip=tuple(skip),
        locked=locked,
        wake_at=wake_at,
    )


def _readiness(job: Job, by_name: Mapping[tuple[int, str], Job]) -> bool | Skip:
    """True: ready. False: waits. Skip: never."""
    # A job whose needs are not rows (history was pruned) could never learn their outcome.
    needs = _named(job, job.spec.needs, by_name)
    states = [need_of(need) for need in needs]
    unsatisfied = [
        need for need, state in zip(needs, states, strict=True) if state is Need.UNSATISFIED
    ]
    if job.spec.when is When.SUCCESS and unsatisfied:
        return Skip(job=job, reason=unmet_reason(unsatisfied[0]), skip_class=SkipClass.DEPENDENCY)
    if Need.PENDING in states:
        return False
    if any(not need.status.terminal for need in _named(job, job.spec.after, by_name)):
        return False
    if job.spec.when is When.FAILURE and not unsatisfied:
        return Skip(job=job, reason="no need failed", skip_class=SkipClass.CONDITION)
    return True


def _named(job: Job, names: Iterable[str], by_name: Mapping[tuple[int, str], Job]) -> list[Job]:
    keys = ((job.invocation_key, name) for name in names)
    return [by_name[key] for key in keys if key in by_name]


def unmet_reason(need: Job) -> str:
    """Why a job that needs `need` does not run, in a person's words."""
    words = {
        Status.FAILED: "failed",
        Status.TIMED_OUT: "timed out",
        Status.CANCELLED: "was cancelled",
        Status.CRASHED: "crashed",
        Status.SKIPPED: "was skipped",
    }
    return f"needs {need.name}, which {words[need.status]}"
