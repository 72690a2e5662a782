"""Signals that a pump takes over, and those that it leaves alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from bough.coordinator.pump import Pump


@pytest.fixture
def restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


def _seen_after_hangup() -> list[int]:
    with Pump((signal.SIGHUP,)) as pump:
        os.kill(os.getpid(), signal.SIGHUP)
        return pump.step(0.2)[1]


@pytest.mark.usefixtures("restored")
def test_a_signal_is_reported_instead_of_having_its_effect() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert _seen_after_hangup() == [signal.SIGHUP]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("restored")
def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert _seen_after_hangup() == []
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
