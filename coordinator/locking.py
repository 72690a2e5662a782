"""Who must wait for which lock: the one rule for foreground and background jobs.

Pure: claims in, claims out. Reading is shared, writing is exclusive. A waiting writer lets no new
reader in, and those who wait take their turns in the order in which they came, so nobody starves. A
job takes all its locks at once or none, so two names taken in opposite order cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bough.coordinator.model import Job, LockMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One job's claim to one lock: `held`, or waiting since its `turn` (a number that grows)."""

    name: str
    mode: LockMode
    job_id: int
    job: str
    """Its address, for people."""
    held: bool
    turn: int


def blockers(
    wanted: Mapping[str, LockMode], claims: Iterable[Claim], *, job_id: int, turn: int | None
) -> tuple[Claim, ...]:
    """The claims that keep a job from taking all its locks now; empty: it may.

    `turn` is that of the job's own waiting claims, None if it does not wait yet.
    """
    return tuple(
        claim
        for claim in claims
        if claim.job_id != job_id
        and claim.name in wanted
        and not _compatible(wanted[claim.name], claim.mode)
        and (claim.held or turn is None or claim.turn < turn)
    )


def in_the_way(job: Job, claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """The claims that keep this job from taking all its locks now."""
    if not job.spec.locks:
        return ()
    own = [claim.turn for claim in claims if claim.job_id == job.id]
    turn = min(own) if own else None
    return blockers(dict(job.spec.locks), claims, job_id=job.id, turn=turn)


def _compatible(one: LockMode, other: LockMode) -> bool:
    return one is LockMode.READ and other is LockMode.READ


def reason(found: Iterable[Claim]) -> str:
    """Why a job waits: every claim in its way, with its real mode."""
    by_name: dict[str, list[Claim]] = {}
    for claim in found:
        by_name.setdefault(claim.name, []).append(claim)
    return "; ".join(
        f"waits for lock {name}: " + ", ".join(map(_told, claims))
        for name, claims in by_name.items()
    )


def _told(claim: Claim) -> str:
    return f"{'held' if claim.held else 'wanted before'} by {claim.job} ({claim.mode})"
