"""The coordinator is killed again and again, at any moment of its life, while all kinds of job run.

Seeded, so that a failure can be repeated: the moments are the same, as far as a machine allows.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.engine import Engine, background, gone
from tests.support.store import Row
from tests.support.waiting import wait_until

KILLS = 20
SEED = 20260102


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A job, and what must come of it."""

    script: str
    end: tuple[str, int | None, int | None]
    out: tuple[str, ...] = ()
    err: tuple[str, ...] = ()


NUMBERS = tuple(str(number) for number in range(1, 3001))
LOUD = """
for s in 0 1 2 3 4 5; do
    seq $((s * 500 + 1)) $((s * 500 + 500))
    echo $s >&2
    sleep 0.05
done
"""

KINDS = {
    "silent": Kind(script="sleep 0.4", end=("succeeded", 0, None)),
    "loud": Kind(script=LOUD, end=("succeeded", 0, None), out=NUMBERS, err=tuple("012345")),
    "instant": Kind(script="", end=("succeeded", 0, None)),
    "failing": Kind(script="echo no >&2; exit 7", end=("failed", 7, None), err=("no",)),
    "killed": Kind(
        script="echo x; kill -SEGV $$", end=("failed", None, signal.SIGSEGV), out=("x",)
    ),
    "long": Kind(script="echo a; sleep 1; echo b", end=("succeeded", 0, None), out=("a", "b")),
    "tree": Kind(
        script="(sleep 0.1; echo one) & (sleep 0.3; echo two) & wait; echo three",
        end=("succeeded", 0, None),
        out=("one", "two", "three"),
    ),
    "own group": Kind(
        script="(trap '' HUP; sleep 60) & echo y; kill 0",
        end=("failed", None, signal.SIGTERM),
        out=("y",),
    ),
}


def test_no_job_is_lost_or_run_twice_and_no_line_either(engine: Engine) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    engine.set(max_parallel=4)
    kinds: dict[str, str] = {}
    hand_off(engine, kinds, [*KINDS, *KINDS])
    for _ in range(KILLS):
        hand_off(engine, kinds, chance.sample(list(KINDS), 3))
        kill_after(engine, chance.uniform(0.0, 0.6))
        forgive(engine)
    engine.wake()
    rows = engine.all_ended(timeout=30)

    assert sorted(row["name"] for row in rows) == sorted(kinds)
    for row in rows:
        check(engine, row, KINDS[kinds[row["name"]]])
    wait_until(lambda: engine.handoffs() == [], what="the hand-offs to go")
    assert "a bug" not in engine.journal()


def hand_off(engine: Engine, kinds: dict[str, str], new: list[str]) -> None:
    """Queue a job of each of these kinds; `kinds` gets their names."""
    names = {f"{kind} {len(kinds) + number}": kind for number, kind in enumerate(new)}
    kinds |= names
    engine.hand_off(
        *(
            background(name, f"echo ran >> 'ran {name}'; {KINDS[kind].script}")
            for name, kind in names.items()
        ),
        wake=False,
    )


def check(engine: Engine, row: Row, kind: Kind) -> None:
    """It ran once, ended as it had to, and its log has every line once and in order."""
    assert (row["status"], row["exit_code"], row["signal"]) == kind.end, dict(row)
    assert Path(f"ran {row['name']}").read_text() == "ran\n"
    records = engine.log(row["name"])
    printed = {
        stream: tuple(record["data"] for record in records if record["kind"] == stream)
        for stream in ("stdout", "stderr")
    }
    assert printed == {"stdout": kind.out, "stderr": kind.err}, row["name"]
    states = [record["status"] for record in records if record["kind"] == "status"]
    assert states == ["started", "signaled" if row["signal"] else "finished"]


def kill_after(engine: Engine, seconds: float) -> None:
    """Start a coordinator and kill it that long after, be it starting, serving or claiming."""
    arguments = [sys.executable, "-P", "-m", "bough.coordinator", engine.places.root]
    with subprocess.Popen(arguments) as process:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began >= seconds, what="the moment")
        assert process.poll() is None, "it ended by itself"
        process.kill()
    gone(process.pid)


def forgive(engine: Engine) -> None:
    """Move the past back, so that a job's third interrupted start is not held against it."""
    with engine.writing() as connection:
        connection.execute("UPDATE job_events SET at = at - 100000")
