"""Background jobs through the real coordinator: from a row to its truthful end."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
from pathlib import Path

import pytest

from bough.coordinator import handoff, kernel, places
from bough.coordinator.model import Change, LogPolicy, Retry, SkipClass, Status, When
from bough.coordinator.store import jobs
from tests.support.engine import Engine, background, foreground
from tests.support.isolation import Sandbox
from tests.support.waiting import wait_until


def test_a_job_goes_from_its_row_to_its_end(engine: Engine) -> None:
    engine.hand_off(background("a", "echo out; echo err >&2; exit 0"))
    row = engine.ended("a")
    assert (row["status"], row["exit_code"], row["signal"], row["reason"]) == (
        "succeeded",
        0,
        None,
        "",
    )
    assert engine.path("a") == ["queued", "starting", "running", "succeeded"]
    assert row["queued_at"] <= row["started_at"] <= row["finished_at"]
    assert row["pid"] == row["pgid"]
    assert (row["start_ticks"] is not None, row["boot_id"]) == (True, kernel.boot_id())
    assert row["log_lines"] == 2
    assert row["log_bytes"] == row["log"].stat().st_size
    first = engine.log("a")[0]
    assert {
        key: first[key] for key in ("status", "job", "attempt", "event", "branch", "owner")
    } == {
        "status": "started",
        "job": "a",
        "attempt": 1,
        "event": "post-checkout",
        "branch": "main",
        "owner": "background",
    }
    assert first["invocation"] == row["invocation"]


@pytest.mark.parametrize(
    ("script", "status", "code", "number", "reason"),
    [
        ("exit 42", "failed", 42, None, "exit code 42"),
        ("kill -KILL $$", "failed", None, signal.SIGKILL, "killed by SIGKILL"),
        ("kill 0", "failed", None, signal.SIGTERM, "killed by SIGTERM"),
        ("exec /no/such/program", "failed", 127, None, "exit code 127"),
    ],
)
def test_the_end_of_a_job_is_exact(
    engine: Engine, script: str, status: str, code: int | None, number: int | None, reason: str
) -> None:
    engine.hand_off(background("a", script))
    row = engine.ended("a")
    assert (row["status"], row["exit_code"], row["signal"]) == (status, code, number)
    assert row["reason"] == reason


def test_what_cannot_be_executed_has_failed_with_the_reason(engine: Engine) -> None:
    engine.hand_off(
        background("program", argv=("/no/such/program",)),
        background("folder", cwd="/no/such/folder"),
    )
    for name, reason in (("program", "cannot execute /no/such"), ("folder", "cannot enter /no")):
        row = engine.ended(name)
        assert (row["status"], row["exit_code"]) == ("failed", 127)
        assert reason in row["reason"]


def test_a_hostile_name_runs_nothing_and_leaves_the_state_folder_alone(
    engine: Engine, sandbox: Sandbox
) -> None:
    names = ["../../x", "-rf", "$(touch pwned)", "a\nb", os.fsdecode(b"caf\xe9"), "a" * 3000]
    engine.hand_off(*(background(name, "pwd") for name in names))
    rows = engine.all_ended()
    assert {row["name"]: row["status"] for row in rows} == dict.fromkeys(names, "succeeded")
    for row in rows:
        assert row["log"].resolve().is_relative_to(Path(engine.places.jobs).resolve())
    assert list(sandbox.work.iterdir()) == []


def test_the_environment_and_umask_are_those_of_the_command(engine: Engine) -> None:
    odd = os.fsdecode(b"caf\xe9 $(x)")
    engine.hand_off(
        background(
            "a",
            'printf \'%s|\' "$FROM" "$OWN" "$BOUGH_ATTEMPT"; umask; ulimit -S -c >/dev/null',
            env=(("OWN", odd),),
        ),
        env={"FROM": "command"},
    )
    engine.ended("a")
    (record,) = [record for record in engine.log("a") if record["kind"] == "stdout"]
    assert "b64" in record
    assert base64.b64decode(record["b64"]) == b"command|caf\xe9 $(x)|1|0022"


def test_a_job_is_neither_in_the_coordinators_session_nor_in_its_supervisors(
    engine: Engine,
) -> None:
    engine.hand_off(background("a", "exec sleep 60"))
    row = engine.reaches("a", "running")
    supervisor = engine.supervisor("a")
    coordinator = engine.served()
    sessions = {os.getsid(pid) for pid in (row["pid"], supervisor, coordinator, os.getpid())}
    assert len(sessions) == 4
    assert os.getpgid(row["pid"]) == row["pid"]
    os.killpg(row["pgid"], signal.SIGKILL)
    engine.ended("a")


# What depends on what.


def test_a_chain_runs_in_order_and_in_parallel_what_may(engine: Engine) -> None:
    engine.set(max_parallel=4)
    engine.hand_off(
        background("last", "echo last >> order", needs=("left", "right")),
        background("left", "echo middle >> order", needs=("first",)),
        background("right", "echo middle >> order", needs=("first",)),
        background("first", "echo first >> order"),
    )
    assert {row["status"] for row in engine.all_ended()} == {"succeeded"}
    assert Path("order").read_text().split() == ["first", "middle", "middle", "last"]


def test_a_failure_passes_on_with_its_reason(engine: Engine) -> None:
    engine.hand_off(
        background("bad", "exit 1"),
        background("direct", needs=("bad",)),
        background("indirect", needs=("direct",)),
        background("rescue", needs=("bad",), when=When.FAILURE),
        background("deep rescue", needs=("indirect",), when=When.FAILURE),
        background("always", needs=("indirect",), when=When.ALWAYS),
        background("other"),
    )
    engine.all_ended()
    outcome = {row["name"]: (row["status"], row["reason"]) for row in engine.rows()}
    assert outcome == {
        "bad": ("failed", "exit code 1"),
        "direct": ("skipped", "needs bad, which failed"),
        "indirect": ("skipped", "needs direct, which was skipped"),
        "rescue": ("succeeded", ""),
        "deep rescue": ("succeeded", ""),
        "always": ("succeeded", ""),
        "other": ("succeeded", ""),
    }
    assert engine.row("indirect")["skip_class"] == SkipClass.DEPENDENCY
    assert engine.path("indirect") == ["queued", "skipped"]


def test_a_job_waits_for_a_foreground_need_and_starts_when_told(engine: Engine) -> None:
    front, _back = engine.hand_off(foreground("front"), background("back", needs=("front",)))
    engine.served()
    with engine.writing() as connection:
        running = jobs.move(connection, front, Change(to=Status.RUNNING, by="command"))
        engine.wake()
        assert engine.row("back")["status"] == "queued"
        jobs.move(connection, running, Change(to=Status.SUCCEEDED, by="command"))
    engine.wake()
    assert engine.ended("back")["status"] == "succeeded"


def test_the_cap_is_respected_and_used(engine: Engine) -> None:
    engine.set(max_parallel=2)
    script = 'echo + >> "$BOUGH_TEST_ID.order"; sleep 0.1; echo - >> "$BOUGH_TEST_ID.order"'
    engine.hand_off(*(background(str(number), script) for number in range(6)))
    engine.all_ended()
    most = running = 0
    for mark in next(Path().glob("*.order")).read_text().split():
        running += 1 if mark == "+" else -1
        most = max(most, running)
    assert most == 2


def test_priority_then_declaration_decides_who_starts_first(engine: Engine) -> None:
    engine.set(max_parallel=1)
    engine.hand_off(
        background("c", "echo c >> order"),
        background("d", "echo d >> order"),
        background("z", "echo z >> order", priority=9),
        background("b", "echo b >> order", priority=-1),
    )
    engine.all_ended()
    assert Path("order").read_text().split() == ["b", "c", "d", "z"]


# Retries.


def test_a_job_is_retried_as_new_rows_until_it_succeeds(engine: Engine) -> None:
    script = 'echo "$BOUGH_ATTEMPT" >> attempts; [ "$BOUGH_ATTEMPT" = 3 ]'
    engine.hand_off(
        background("a", script, retry=Retry(max=5, backoff_ms=20)),
        background("b", needs=("a",)),
    )
    assert engine.ended("b")["status"] == "succeeded"
    attempts = [(row["attempt"], row["status"]) for row in engine.rows("a")]
    assert attempts == [(1, "failed"), (2, "failed"), (3, "succeeded")]
    assert Path("attempts").read_text().split() == ["1", "2", "3"]
    assert len({row["log"] for row in engine.rows("a")}) == 3
    ends = [row["finished_at"] for row in engine.rows("a")]
    starts = [row["started_at"] for row in engine.rows("a")]
    assert starts[1] - ends[0] >= 20
    assert starts[2] - ends[1] >= 40
    assert engine.row("b")["started_at"] >= ends[2]


def test_a_job_out_of_retries_has_failed_for_those_who_need_it(engine: Engine) -> None:
    engine.hand_off(
        background("a", "exit 1", retry=Retry(max=1, backoff_ms=1)),
        background("b", needs=("a",)),
    )
    assert engine.ended("b")["reason"] == "needs a, which failed"
    assert [row["status"] for row in engine.rows("a")] == ["failed", "failed"]


def test_a_job_over_its_time_is_retried_and_a_cancelled_one_is_not(engine: Engine) -> None:
    engine.hand_off(
        background("slow", "exec sleep 60", timeout_ms=100, retry=Retry(max=1, backoff_ms=1)),
    )
    engine.all_ended()
    assert [row["status"] for row in engine.rows("slow")] == ["timed_out", "timed_out"]


# The log.


def test_caps_and_sampling_are_those_of_the_job(engine: Engine) -> None:
    engine.hand_off(
        background("big", "seq 1 200000", log=LogPolicy(max_size=64 * 1024)),
        background("few", "seq 1 1000", log=LogPolicy(sample_every=100)),
    )
    engine.all_ended()
    assert engine.row("big")["log"].stat().st_size < 80 * 1024
    records = engine.log("big")
    assert any(record.get("status") == "truncated" for record in records)
    assert records[-2]["data"] == "200000"
    assert engine.output("few").split() == [str(n) for n in range(100, 1001, 100)]


# The hand-off.


def test_the_hand_off_is_private_and_goes_with_the_last_job(engine: Engine) -> None:
    engine.hand_off(
        background(
            "a",
            'while [ ! -e "go$BOUGH_ATTEMPT" ]; do sleep 0.01; done; exit 1',
            retry=Retry(max=1, backoff_ms=1),
        ),
        background("b"),
        env={"FROM": "command"},
    )
    engine.reaches("a", "running")
    (path,) = engine.handoffs()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert json.loads(path.read_text())["env"]["FROM"] == "command"
    Path("go1").touch()
    engine.reaches("b", "succeeded")
    wait_until(lambda: len(engine.rows("a")) == 2, what="the retry")
    assert engine.handoffs() == [path], "a retry is still to come"
    Path("go2").touch()
    engine.all_ended()
    assert len(engine.rows("a")) == 2
    wait_until(lambda: engine.handoffs() == [], what="the hand-off to go")


def test_without_its_environment_a_job_does_not_run(engine: Engine) -> None:
    engine.hand_off(
        background("a", "touch ran"), background("b", "touch ran", needs=("a",)), wake=False
    )
    for path in engine.handoffs():
        path.unlink()
    engine.wake()
    row = engine.ended("a")
    assert (row["status"], row["reason"]) == ("cancelled", "environment lost")
    assert engine.ended("b")["reason"] == "needs a, which was cancelled"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"env": {}, "umask": 18, "jobs": {}}', "null"]
)
def test_half_an_environment_is_none(engine: Engine, content: str) -> None:
    engine.hand_off(background("a", "touch ran"), wake=False)
    engine.handoffs()[0].write_text(content)
    with pytest.raises(handoff.HandoffLost):
        handoff.read(str(engine.handoffs()[0]), "a")
    engine.wake()
    assert engine.ended("a")["reason"] == "environment lost"


def test_a_hand_off_that_is_a_link_is_not_followed(engine: Engine) -> None:
    engine.hand_off(background("a", "touch ran"), wake=False)
    (path,) = engine.handoffs()
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    engine.wake()
    assert engine.ended("a")["reason"] == "environment lost"
    path.with_name("elsewhere").unlink()


def test_hand_offs_that_nobody_needs_any_more_go_when_a_coordinator_comes(engine: Engine) -> None:
    engine.hand_off(background("done", "true"))
    engine.all_ended()
    folder = Path(places.runtime_root()) / f"handoff-{engine.places.token}"
    done = folder / f"{engine.row('done')['invocation']}.json"
    fresh, old, torn = (folder / name for name in ("0a" * 8, "0b" * 8, "0c" * 8 + ".json.new"))
    for path in (done, fresh, old, torn):
        path.write_text("{}")
    for path in (old, torn):
        os.utime(path, (1, 1))
    engine.kill_coordinator()
    engine.hand_off(background("next", "while [ ! -e go ]; do sleep 0.01; done"))
    engine.reaches("next", "running")
    next_ = folder / f"{engine.row('next')['invocation']}.json"
    assert set(engine.handoffs()) == {fresh, next_}
    Path("go").touch()
    engine.ended("next")
