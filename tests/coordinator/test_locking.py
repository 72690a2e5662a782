"""The one rule of locks: by table, and that nobody starves or deadlocks, by simulation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.locking import Claim, blockers, reason
from bough.coordinator.model import LockMode

READ, WRITE = LockMode.READ, LockMode.WRITE


def claim(job_id: int, mode: LockMode, *, held: bool, name: str = "db", turn: int = 0) -> Claim:
    return Claim(
        name=name, mode=mode, job_id=job_id, job=f"job{job_id}", held=held, turn=turn or job_id
    )


@pytest.mark.parametrize(
    ("wanted", "other", "blocked"),
    [(READ, READ, False), (READ, WRITE, True), (WRITE, READ, True), (WRITE, WRITE, True)],
)
@pytest.mark.parametrize("held", [True, False])
def test_reading_is_shared_and_writing_is_exclusive(
    wanted: LockMode, other: LockMode, *, blocked: bool, held: bool
) -> None:
    found = blockers({"db": wanted}, [claim(1, other, held=held)], job_id=9, turn=None)
    assert bool(found) is blocked


def test_a_waiting_writer_lets_no_new_reader_in_but_those_before_it_pass() -> None:
    claims = [claim(1, READ, held=True), claim(2, WRITE, held=False)]
    assert [c.job_id for c in blockers({"db": READ}, claims, job_id=3, turn=None)] == [2]
    assert [c.job_id for c in blockers({"db": WRITE}, claims, job_id=2, turn=2)] == [1]
    late = [*claims, claim(4, WRITE, held=False)]
    assert [c.job_id for c in blockers({"db": READ}, late, job_id=3, turn=3)] == [2]


def test_other_names_and_ones_own_claims_are_not_in_the_way() -> None:
    claims = [claim(1, WRITE, held=True, name="other"), claim(9, WRITE, held=False)]
    assert blockers({"db": WRITE}, claims, job_id=9, turn=9) == ()


def test_the_reason_lists_everybody_with_the_real_mode() -> None:
    claims = [
        claim(1, READ, held=True),
        claim(2, READ, held=True),
        claim(3, WRITE, held=False),
        claim(4, WRITE, held=True, name="net"),
    ]
    assert reason(claims) == (
        "waits for lock db: held by job1 (read), held by job2 (read), wanted before by job3 "
        "(write); waits for lock net: held by job4 (write)"
    )


wishes = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(LockMode), min_size=1),
    min_size=1,
    max_size=8,
)


@given(wishes, st.randoms(use_true_random=False))
def test_everybody_gets_a_turn_and_nobody_conflicts(
    wanted: list[dict[str, LockMode]], chance: object
) -> None:
    """Jobs look in random order and hold for a while; all must come to hold all they want."""
    waiting = dict(enumerate(wanted))
    turns: dict[int, int] = {}
    running: dict[int, int] = {}
    done: set[int] = set()
    for _round in range(20 * len(wanted) + 20):
        order = list(waiting)
        chance.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
        for job in order:
            claims = [
                claim(other, mode, held=other in running, name=name, turn=turns[other])
                for other in turns
                if other not in done
                for name, mode in wanted[other].items()
            ]
            found = blockers(waiting[job], claims, job_id=job, turn=turns.get(job))
            turns.setdefault(job, len(turns) + 1)
            if not found:
                running[job] = 2
                del waiting[job]
        for name in "abc":
            modes = [wanted[job][name] for job in running if name in wanted[job]]
            assert len(modes) < 2 or all(mode is READ for mode in modes)
        for job in [job for job, left in running.items() if left == 0]:
            del running[job]
            done.add(job)
        running = {job: left - 1 for job, left in running.items()}
        if len(done) == len(wanted):
            return
    raise AssertionError(f"{len(waiting)} jobs never got their locks")
