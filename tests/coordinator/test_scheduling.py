"""What may start, what is skipped, what waits: by table, and on random graphs to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.model import Job, Owner, Retry, SkipClass, Status, When
from bough.coordinator.scheduling import Decision, Need, decide, need_of, unmet_reason
from tests.support.engine import job

S = Status


def background(jobs: Sequence[Job], now: int = 0, free: int | None = None) -> Decision:
    return decide(jobs, owner=Owner.BACKGROUND, now=now, free=free)


def started(decision: Decision) -> list[str]:
    return [job.name for job in decision.start]


@pytest.mark.parametrize(
    ("status", "skip_class", "allow_failure", "meaning"),
    [
        (S.QUEUED, None, False, Need.PENDING),
        (S.STARTING, None, False, Need.PENDING),
        (S.RUNNING, None, False, Need.PENDING),
        (S.CANCELLING, None, False, Need.PENDING),
        (S.SUCCEEDED, None, False, Need.SATISFIED),
        (S.FAILED, None, False, Need.UNSATISFIED),
        (S.FAILED, None, True, Need.SATISFIED),
        (S.TIMED_OUT, None, True, Need.UNSATISFIED),
        (S.CANCELLED, None, True, Need.UNSATISFIED),
        (S.CRASHED, None, True, Need.UNSATISFIED),
        (S.SKIPPED, SkipClass.CONDITION, False, Need.SATISFIED),
        (S.SKIPPED, SkipClass.DEPENDENCY, True, Need.UNSATISFIED),
        (S.SKIPPED, SkipClass.TRUST, False, Need.UNSATISFIED),
        (S.SKIPPED, SkipClass.USER, False, Need.UNSATISFIED),
    ],
)
def test_what_a_need_means(
    status: Status, skip_class: SkipClass | None, allow_failure: bool, meaning: Need
) -> None:
    needed = job(status=status, skip_class=skip_class, spec_allow_failure=allow_failure)
    assert need_of(needed) is meaning


@pytest.mark.parametrize(
    ("when", "need", "verdict"),
    [
        (When.SUCCESS, S.RUNNING, "wait"),
        (When.SUCCESS, S.SUCCEEDED, "start"),
        (When.SUCCESS, S.FAILED, "skip"),
        (When.SUCCESS, S.CANCELLED, "skip"),
        (When.ALWAYS, S.RUNNING, "wait"),
        (When.ALWAYS, S.SUCCEEDED, "start"),
        (When.ALWAYS, S.FAILED, "start"),
        (When.ALWAYS, S.CANCELLED, "start"),
        (When.FAILURE, S.RUNNING, "wait"),
        (When.FAILURE, S.SUCCEEDED, "skip"),
        (When.FAILURE, S.FAILED, "start"),
        (When.FAILURE, S.CRASHED, "start"),
        (When.FAILURE, S.SKIPPED, "start"),
    ],
)
def test_when_decides_over_the_outcome_of_a_need(when: When, need: Status, verdict: str) -> None:
    skip_class = SkipClass.DEPENDENCY if need is S.SKIPPED else None
    jobs = [
        job("need", status=need, skip_class=skip_class),
        job("job", id=2, ordinal=1, spec_needs=("need",), spec_when=when),
    ]
    decision = background(jobs)
    assert started(decision) == (["job"] if verdict == "start" else [])
    assert [skip.job.name for skip in decision.skip] == (["job"] if verdict == "skip" else [])


def test_a_failed_need_decides_at_once_whatever_else_is_pending() -> None:
    jobs = [
        job("bad", status=S.FAILED),
        job("slow", id=2, status=S.RUNNING),
        job("job", id=3, spec_needs=("slow", "bad")),
    ]
    (skip,) = background(jobs).skip
    assert (skip.job.name, skip.skip_class) == ("job", SkipClass.DEPENDENCY)
    assert skip.reason == "needs bad, which failed"


@pytest.mark.parametrize("when", [When.ALWAYS, When.FAILURE])
def test_who_runs_after_failures_waits_for_all_its_needs(when: When) -> None:
    jobs = [
        job("bad", status=S.FAILED),
        job("slow", id=2, status=S.RUNNING),
        job("job", id=3, spec_needs=("bad", "slow"), spec_when=when),
    ]
    assert background(jobs) == Decision(start=(), skip=())


def test_a_job_for_failures_that_none_needed_is_skipped_as_by_its_own_condition() -> None:
    jobs = [
        job("good", status=S.SUCCEEDED),
        job("rescue", id=2, spec_needs=("good",), spec_when=When.FAILURE),
        job("after", id=3, spec_needs=("rescue",)),
    ]
    (skip,) = background(jobs).skip
    assert (skip.reason, skip.skip_class) == ("no need failed", SkipClass.CONDITION)
    jobs[1] = replace(jobs[1], status=S.SKIPPED, skip_class=skip.skip_class)
    assert started(background(jobs)) == ["after"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (S.FAILED, "failed"),
        (S.TIMED_OUT, "timed out"),
        (S.CANCELLED, "was cancelled"),
        (S.CRASHED, "crashed"),
        (S.SKIPPED, "was skipped"),
    ],
)
def test_the_reason_names_the_need_and_what_became_of_it(status: Status, words: str) -> None:
    assert unmet_reason(job("build", status=status)) == f"needs build, which {words}"


@pytest.mark.parametrize("status", [S.SUCCEEDED, S.FAILED, S.CANCELLED, S.CRASHED, S.SKIPPED])
def test_after_waits_for_the_end_and_for_nothing_else(status: Status) -> None:
    first = job("first", status=S.RUNNING)
    second = job("second", id=2, spec_after=("first",))
    assert background([first, second]) == Decision(start=(), skip=())
    skip_class = SkipClass.DEPENDENCY if status is S.SKIPPED else None
    ended = replace(first, status=status, skip_class=skip_class)
    assert started(background([ended, second])) == ["second"]


def test_needs_are_those_of_the_same_invocation() -> None:
    jobs = [
        job("need", invocation_key=1, status=S.FAILED),
        job("need", invocation_key=2, id=2, status=S.SUCCEEDED),
        job("job", invocation_key=2, id=3, spec_needs=("need",)),
    ]
    assert started(background(jobs)) == ["job"]


def test_a_need_whose_row_was_deleted_keeps_nobody_waiting() -> None:
    assert started(background([job("job", spec_needs=("gone",), spec_after=("gone too",))])) == [
        "job"
    ]


def test_ready_jobs_start_by_priority_then_firing_then_declaration() -> None:
    jobs = [
        job("late", invocation_key=2, id=1, ordinal=0),
        job("second", invocation_key=1, id=2, ordinal=1),
        job("first", invocation_key=1, id=3, ordinal=0),
        job("urgent", invocation_key=3, id=4, ordinal=5, spec_priority=-1),
        job("whenever", invocation_key=1, id=5, ordinal=2, spec_priority=1),
    ]
    order = ["urgent", "first", "second", "late", "whenever"]
    assert started(background(jobs)) == order
    assert started(background(jobs, free=2)) == order[:2]
    assert started(background(jobs, free=0)) == started(background(jobs, free=-1)) == []


def test_a_retry_waits_out_its_backoff() -> None:
    jobs = [job("a", not_before=500), job("b", id=2, not_before=300), job("c", id=3)]
    decision = background(jobs, now=100)
    assert (started(decision), decision.wake_at) == (["c"], 300)
    assert background(jobs, now=300).wake_at == 500
    assert started(background(jobs, now=500)) == ["a", "b", "c"]
    assert background(jobs, now=500).wake_at is None


def test_rows_of_the_other_owner_are_looked_at_as_needs_only() -> None:
    jobs = [
        job("front", owner=Owner.FOREGROUND, status=S.SUCCEEDED),
        job("own", id=2, owner=Owner.FOREGROUND),
        job("back", id=3, spec_needs=("front",)),
    ]
    assert started(background(jobs)) == ["back"]
    assert [j.name for j in decide(jobs, owner=Owner.FOREGROUND, now=0).start] == ["own"]


@pytest.mark.parametrize("status", [status for status in Status if status is not S.QUEUED])
def test_only_queued_jobs_are_started_or_skipped(status: Status) -> None:
    jobs = [job("bad", status=S.FAILED), job("job", id=2, status=status, spec_needs=("bad",))]
    assert background(jobs) == Decision(start=(), skip=())


# Random graphs, driven to their end by simulated outcomes.

OUTCOMES = (S.SUCCEEDED, S.FAILED, S.TIMED_OUT, S.CANCELLED, S.CRASHED)
NAMES = [f"j{number}" for number in range(9)]


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    """Jobs that need and follow earlier ones, some of them skipped from the start."""
    jobs = []
    for number in range(draw(st.integers(1, len(NAMES)))):
        earlier = st.lists(st.sampled_from(NAMES[:number]), unique=True) if number else st.just([])
        skip = draw(st.sampled_from([None, None, None, *SkipClass]))
        jobs.append(
            job(
                NAMES[number],
                id=number,
                ordinal=number,
                status=S.SKIPPED if skip else S.QUEUED,
                skip_class=skip,
                spec_needs=tuple(draw(earlier)),
                spec_after=tuple(draw(earlier)),
                spec_when=draw(st.sampled_from(When)),
                spec_allow_failure=draw(st.booleans()),
                spec_priority=draw(st.integers(-1, 1)),
                spec_retry=Retry(max=draw(st.integers(0, 2)), backoff_ms=10),
            )
        )
    return jobs


class World:
    """Rows of one graph, moved as `decide` says and as the drawn outcomes want."""

    def __init__(self, jobs: Sequence[Job], cap: int, outcomes: Iterator[Status]) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.cap = cap
        self.outcomes = outcomes
        self.now = 0

    def step(self) -> None:
        """Apply one decision, then end the job that has run longest, or let time pass."""
        running = [job for job in self.jobs.values() if job.status is S.RUNNING]
        free = self.cap - len(running)
        decision = background(tuple(self.jobs.values()), now=self.now, free=free)
        assert len(decision.start) <= max(free, 0)
        for skip in decision.skip:
            self.move(skip.job, status=S.SKIPPED, skip_class=skip.skip_class)
        for ready in decision.start:
            assert ready.not_before is None or ready.not_before <= self.now
            for name in (*ready.spec.needs, *ready.spec.after):
                assert self.jobs[name].status.terminal, f"{ready.name} started before {name} ended"
            self.move(ready, status=S.RUNNING)
        if running:
            self.end(running[0])
        elif not decision.start and not decision.skip:
            assert decision.wake_at is not None, "nothing runs, nothing starts, nothing will"
            self.now = decision.wake_at

    def end(self, job: Job) -> None:
        outcome = next(self.outcomes)
        if outcome in {S.FAILED, S.TIMED_OUT} and job.retries_left:
            self.move(job, status=S.QUEUED, attempt=job.attempt + 1, not_before=self.now + 10)
        else:
            self.move(job, status=outcome)

    def move(self, job: Job, **what: object) -> None:
        assert self.jobs[job.name].status == job.status
        self.jobs[job.name] = replace(job, **what)  # type: ignore[arg-type]  # fields by name


@given(graphs(), st.integers(1, 3), st.lists(st.sampled_from(OUTCOMES), min_size=40, max_size=40))
def test_every_graph_ends_with_every_job_ended(
    jobs: list[Job], cap: int, outcomes: list[Status]
) -> None:
    world = World(jobs, cap, iter(outcomes))
    for _ in range(200):
        if all(job.status.terminal for job in world.jobs.values()):
            break
        world.step()
    assert all(job.status.terminal for job in world.jobs.values())
    for ended in world.jobs.values():
        unsatisfied = [
            name for name in ended.spec.needs if need_of(world.jobs[name]) is Need.UNSATISFIED
        ]
        if ended.skip_class is SkipClass.DEPENDENCY and ended.name not in skipped(jobs):
            assert unsatisfied, "skipped for its needs, and none of them asked for that"
        if ended.status is not S.SKIPPED and ended.spec.when is When.SUCCESS:
            assert not unsatisfied, "it ran in spite of a need that was not met"


def skipped(jobs: Sequence[Job]) -> set[str]:
    return {job.name for job in jobs if job.status is S.SKIPPED}
