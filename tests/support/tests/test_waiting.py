"""Waiting ends when its predicate is true, and never silently."""

from __future__ import annotations

import pytest

from tests.support.waiting import wait_until


def test_the_value_that_ended_the_wait_is_returned() -> None:
    values = iter([None, "", "there"])
    assert wait_until(lambda: next(values)) == "there"


def test_time_running_out_is_an_error_that_says_what_for() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.02 s in vain for: the tide"):
        wait_until(lambda: False, timeout=0.02, what="the tide")


def test_the_predicate_is_tried_once_more_after_the_deadline() -> None:
    values = iter([False, True])
    assert wait_until(lambda: next(values), timeout=0.001) is True
