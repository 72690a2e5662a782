"""What a row without an end really is, by what its job left on disk."""

from __future__ import annotations

from typing import Any

import pytest

from bough.coordinator.model import Change, Owner, Status
from bough.coordinator.recovery import Evidence, Ruling, concluded, derived, judge
from bough.coordinator.transitions import allowed
from tests.support.engine import job

S = Status
LIVE = [S.STARTING, S.RUNNING, S.CANCELLING]
FINISHED: dict[str, Any] = {
    "status": "finished",
    "reason": "",
    "exit_code": 0,
    "signal": None,
    "finished_at": 50,
    "log_bytes": 10,
    "log_lines": 2,
}
NOT_STARTED = {"status": "not_started"}


def evidence(
    *, lock_held: bool = False, started: bool = False, outcome: dict[str, Any] | None = None
) -> Evidence:
    return Evidence(lock_held=lock_held, started=started, outcome=outcome)


def ruled(status: Status, **left: Any) -> Change:
    change = judge(status, evidence(**left), by="test").change
    assert change is not None
    return change


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize("outcome", [None, FINISHED, NOT_STARTED])
def test_a_job_with_a_living_supervisor_is_left_alone(
    status: Status, outcome: dict[str, Any] | None
) -> None:
    verdict = judge(
        status, evidence(lock_held=True, started=outcome is not None, outcome=outcome), by="test"
    )
    assert (verdict.ruling, verdict.change) == (Ruling.LEAVE, None)


@pytest.mark.parametrize(
    ("status", "started", "outcome", "ruling", "to", "reason"),
    [
        # The gate never opened: back into the queue, unless it was cancelled meanwhile.
        (S.STARTING, False, None, Ruling.MOVE, S.QUEUED, "its start was interrupted"),
        (S.RUNNING, False, None, Ruling.MOVE, S.QUEUED, "its start was interrupted"),
        (S.CANCELLING, False, None, Ruling.MOVE, S.CANCELLED, "cancelled before it started"),
        (S.STARTING, False, NOT_STARTED, Ruling.MOVE, S.QUEUED, "its start was interrupted"),
        (S.RUNNING, False, NOT_STARTED, Ruling.MOVE, S.QUEUED, "its start was interrupted"),
        (S.CANCELLING, False, NOT_STARTED, Ruling.MOVE, S.CANCELLED, "cancelled before it started"),
        # It ran, and nobody has written how it ended.
        (S.STARTING, True, None, Ruling.STOP_AND_MOVE, S.CRASHED, "its supervisor was killed"),
        (S.RUNNING, True, None, Ruling.STOP_AND_MOVE, S.CRASHED, "its supervisor was killed"),
        (S.CANCELLING, True, None, Ruling.STOP_AND_MOVE, S.CRASHED, "its supervisor was killed"),
        # It ended, and its supervisor has told.
        (S.STARTING, True, FINISHED, Ruling.MOVE, S.SUCCEEDED, ""),
        (S.RUNNING, True, FINISHED, Ruling.MOVE, S.SUCCEEDED, ""),
        (S.CANCELLING, True, FINISHED, Ruling.MOVE, S.CANCELLED, ""),
    ],
)
def test_the_evidence_decides(
    status: Status,
    started: bool,
    outcome: dict[str, Any] | None,
    ruling: Ruling,
    to: Status,
    reason: str,
) -> None:
    verdict = judge(status, evidence(started=started, outcome=outcome), by="test")
    assert verdict.ruling is ruling
    assert verdict.change is not None
    assert (verdict.change.to, verdict.change.reason, verdict.change.by) == (to, reason, "test")


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("code", [None, 0, 1])
@pytest.mark.parametrize(
    "outcome", ["none", "not_started", "finished", "signaled", "timed_out", "cancelled"]
)
def test_no_evidence_leads_to_a_change_that_is_not_allowed(
    status: Status, started: bool, code: int | None, outcome: str
) -> None:
    told = None if outcome == "none" else {**FINISHED, "status": outcome, "exit_code": code}
    assert allowed(status, ruled(status, started=started, outcome=told).to)


@pytest.mark.parametrize(
    ("status", "outcome", "to"),
    [
        (S.RUNNING, {"status": "finished", "exit_code": 0}, S.SUCCEEDED),
        (S.RUNNING, {"status": "finished", "exit_code": 1}, S.FAILED),
        (S.RUNNING, {"status": "finished", "exit_code": 127, "reason": "no"}, S.FAILED),
        (S.RUNNING, {"status": "signaled", "signal": 9, "reason": "killed"}, S.FAILED),
        (S.RUNNING, {"status": "timed_out", "exit_code": 0, "reason": "late"}, S.TIMED_OUT),
        (S.RUNNING, {"status": "cancelled", "signal": 15}, S.CANCELLED),
        (S.CANCELLING, {"status": "finished", "exit_code": 0}, S.CANCELLED),
        (S.CANCELLING, {"status": "timed_out"}, S.CANCELLED),
        (S.QUEUED, {"status": "finished", "exit_code": 127}, S.FAILED),
    ],
)
def test_an_outcome_becomes_a_status(status: Status, outcome: dict[str, Any], to: Status) -> None:
    change = concluded(status, outcome, by="test")
    assert change.to is to
    assert change.exit_code == outcome.get("exit_code")
    assert change.signal == outcome.get("signal")
    # A cancelled row keeps the reason that it was given with the cancellation.
    assert change.reason == ("" if to is S.CANCELLED else outcome.get("reason", ""))


def test_all_that_an_outcome_knows_goes_into_the_row() -> None:
    change = concluded(S.RUNNING, {**FINISHED, "exit_code": 3, "reason": "exit code 3"}, by="test")
    assert (change.exit_code, change.finished_at, change.log_bytes, change.log_lines) == (
        3,
        50,
        10,
        2,
    )


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_what_has_ended_is_shown_as_it_is(status: Status) -> None:
    for owner in Owner:
        ended = job(status=status, owner=owner)
        assert derived(ended, owner_alive=False, evidence=evidence()) is ended


@pytest.mark.parametrize("status", [S.QUEUED, S.RUNNING, S.CANCELLING])
def test_a_foreground_job_is_what_its_command_is(status: Status) -> None:
    row = job(status=status, owner=Owner.FOREGROUND)
    assert derived(row, owner_alive=True, evidence=None) is row
    shown = derived(row, owner_alive=False, evidence=None)
    assert (shown.status, shown.reason) == (S.CANCELLED, "command died")


def test_a_queued_background_job_waits_for_a_coordinator_not_for_its_command() -> None:
    row = job()
    assert derived(row, owner_alive=False, evidence=None) is row


def test_a_background_job_is_shown_as_its_folder_tells() -> None:
    row = job(status=S.RUNNING, started_at=1)
    assert derived(row, owner_alive=False, evidence=evidence(lock_held=True)) is row
    crashed = derived(row, owner_alive=False, evidence=evidence(started=True))
    assert (crashed.status, crashed.reason) == (S.CRASHED, "its supervisor was killed")
    failed = derived(
        row,
        owner_alive=True,
        evidence=evidence(started=True, outcome={**FINISHED, "exit_code": 4, "reason": "code 4"}),
    )
    assert (failed.status, failed.exit_code, failed.reason) == (S.FAILED, 4, "code 4")
    assert (failed.started_at, failed.finished_at) == (1, 50)
