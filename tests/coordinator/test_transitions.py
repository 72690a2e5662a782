"""Every pair of statuses: which change is allowed, and what a change makes of a row."""

from __future__ import annotations

import itertools

import pytest

from bough.coordinator.model import (
    ACTIVE,
    FAILURES,
    LIVE,
    Change,
    ProcessIdentity,
    SkipClass,
    Status,
)
from bough.coordinator.transitions import TRANSITIONS, allowed, changed
from tests.support.engine import job

# One line a status, as a person would say it; what is not here must be refused.
MAY_BECOME = {
    "queued": "starting running skipped cancelled failed crashed",
    "starting": "running queued cancelling cancelled failed succeeded timed_out crashed",
    "running": "queued cancelling succeeded failed timed_out cancelled crashed",
    "cancelling": "cancelled crashed",
}


@pytest.mark.parametrize(
    ("before", "after"), list(itertools.product(Status, Status)), ids=lambda status: status.value
)
def test_exactly_these_changes_are_allowed(before: Status, after: Status) -> None:
    assert allowed(before, after) == (after in MAY_BECOME.get(before, "").split())


def test_what_has_ended_stays_as_it_is_and_what_is_active_can_end() -> None:
    for status in Status:
        assert status in TRANSITIONS
        assert bool(TRANSITIONS[status]) == (status in ACTIVE) == (not status.terminal)
        if status in ACTIVE:
            assert any(after.terminal for after in TRANSITIONS[status])


def test_the_groups_of_statuses() -> None:
    assert {status.value for status in LIVE} == {"starting", "running", "cancelling"}
    assert {status.value for status in FAILURES} == {"failed", "timed_out", "cancelled", "crashed"}
    assert [status.value for status in Status if status.failure] == [
        "failed",
        "timed_out",
        "cancelled",
        "crashed",
    ]


def test_a_changed_row_keeps_what_the_change_does_not_say() -> None:
    process = ProcessIdentity(pid=7, start_ticks=8, boot_id="boot")
    running = job(status=Status.RUNNING, reason="old", process=process, pgid=7, started_at=1)
    ended = changed(
        running, Change(to=Status.FAILED, by="test", exit_code=3, finished_at=9, log_lines=0)
    )
    assert (ended.status, ended.reason, ended.process, ended.pgid) == ("failed", "old", process, 7)
    assert (ended.exit_code, ended.signal, ended.started_at, ended.finished_at) == (3, None, 1, 9)
    assert ended.log_lines == 0


def test_a_changed_row_takes_what_the_change_says() -> None:
    skipped = changed(
        job(),
        Change(to=Status.SKIPPED, by="test", reason="why", skip_class=SkipClass.DEPENDENCY),
    )
    assert (skipped.status, skipped.reason, skipped.skip_class) == ("skipped", "why", "dependency")
