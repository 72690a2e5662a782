"""`bough jobs`: every filter means what it says, alone and with others; cancel refuses to guess."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pytest

from bough.coordinator import clock, places
from bough.coordinator.errors import Ambiguous, NotFound
from bough.coordinator.model import Change, Job, NewJob, Owner, SkipClass, Status
from bough.coordinator.places import StatePlaces
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import schemas
from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
from bough.worktree.cli.app import main
from tests.support.engine import new_invocation, spec
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]
Captured = pytest.CaptureFixture[str]

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Recorded:
    """A repository with a second worktree, and rows of both."""

    repo: Repo
    other: Repo
    places: StatePlaces

    def fire(self, worktree: Repo, event: str, *jobs: NewJob, age_ms: int = 0) -> tuple[Job, ...]:
        invocation = new_invocation(
            event=event,
            worktree_name=worktree.path.name,
            worktree_path=str(worktree.path),
            branch=worktree.out("branch", "--show-current"),
            created_at=clock.now_ms() - age_ms,
        )
        with closing(schemas.write_repository(self.places)) as connection:
            return rows.insert(connection, invocation, jobs, "command")

    def end(self, job: Job, status: Status) -> None:
        with closing(schemas.write_repository(self.places)) as connection:
            running = rows.move(connection, job, Change(to=Status.RUNNING, by="command"))
            rows.move(connection, running, Change(to=status, by="command"))


def front(name: str, *tags: str) -> NewJob:
    return NewJob(spec=spec(name, tags=tags), owner=Owner.FOREGROUND)


def skipped(name: str) -> NewJob:
    return NewJob(
        spec=spec(name), owner=Owner.BACKGROUND, skip=SkipClass.CONDITION, reason="skip: true"
    )


@pytest.fixture
def recorded(git_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    repo = git_repo()
    other = repo.worktree("../other", "side/branch")
    monkeypatch.chdir(repo.path)
    where = places.for_repository(repo_id(discover(str(repo.path))).value)
    found = Recorded(repo=repo, other=other, places=where)
    (build,) = found.fire(repo, "pre-push", front("build", "slow", "net"), age_ms=2 * HOUR_MS)
    found.end(build, Status.FAILED)
    test, _docs = found.fire(repo, "worktree-post-create", front("test", "slow"), skipped("docs"))
    found.end(test, Status.SUCCEEDED)
    (elsewhere,) = found.fire(other, "pre-push", front("build"))
    found.end(elsewhere, Status.TIMED_OUT)
    found.fire(other, "pre-push", front("waits", "slow"))
    return found


def listed(capsys: Captured, *words: str) -> list[str]:
    assert main([*words, "--format", "json"]) == 0
    return [f"{row['worktree']}/{row['name']}" for row in json.loads(capsys.readouterr().out)]


OURS = ["repo/docs", "repo/test", "repo/build"]
EVERY = ["other/waits", "other/build", *OURS]


FILTERS: tuple[tuple[str, list[str]], ...] = (
    ("", OURS),
    ("--all", EVERY),
    ("--hook pre-push", ["repo/build"]),
    ("--hook pre-pus", []),
    ("--all --hook pre-push", ["other/waits", "other/build", "repo/build"]),
    ("--worktree other", ["other/waits", "other/build"]),
    ("--worktree side/branch", ["other/waits", "other/build"]),
    ("--worktree oth", []),
    ("--status skipped", ["repo/docs"]),
    ("--all --status timed_out", ["other/build"]),
    ("--tag slow", ["repo/test", "repo/build"]),
    ("--tag slow --status failed", ["repo/build"]),
    ("--all --tag slo", []),
    ("--failed", ["repo/build"]),
    ("--all --failed", ["other/build", "repo/build"]),
    ("--last", ["repo/docs", "repo/test"]),
    ("--all --last", ["other/waits"]),
    ("--all --hook worktree-post-create --last", ["repo/docs", "repo/test"]),
    ("--limit 1", ["repo/docs"]),
    ("--all --limit 2", ["other/waits", "other/build"]),
    ("--all --inv ffffffffffffffff", []),
)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("verb", [("jobs",), ("jobs", "list")], ids=" ".join)
def test_every_filter_has_its_effect(capsys: Captured, verb: tuple[str, ...]) -> None:
    found = {options: listed(capsys, *verb, *options.split()) for options, _names in FILTERS}
    assert found == dict(FILTERS)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("verb", [("jobs",), ("jobs", "list")], ids=" ".join)
def test_pages_follow_each_other(capsys: Captured, verb: tuple[str, ...]) -> None:
    seen: list[str] = []
    cursor: list[str] = []
    while True:
        assert main([*verb, "--all", "--limit", "2", "--format", "json", *cursor]) == 0
        captured = capsys.readouterr()
        seen += [f"{row['worktree']}/{row['name']}" for row in json.loads(captured.out)]
        if not captured.err:
            break
        assert re.fullmatch(r"more: --before \d+\n", captured.err)
        cursor = captured.err.removeprefix("more: ").split()
    assert seen == EVERY


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("verb", [("jobs",), ("jobs", "list")], ids=" ".join)
def test_a_prefix_means_one_invocation(capsys: Captured, verb: tuple[str, ...]) -> None:
    assert main(["jobs", "--worktree", "other", "--format", "json"]) == 0
    newest = json.loads(capsys.readouterr().out)[0]
    assert listed(capsys, *verb, "--inv", newest["invocation"][:8]) == []
    assert listed(capsys, *verb, "--all", "--inv", newest["invocation"][:8]) == ["other/waits"]


def test_a_worktree_without_jobs_shows_those_of_the_repository(
    recorded: Recorded, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = recorded.repo.worktree("../fresh", "fresh")
    monkeypatch.chdir(fresh.path)
    assert listed(capsys, "jobs") == EVERY


CANCELS: tuple[tuple[str, list[str]], ...] = (
    ("--all", ["waits"]),
    ("--hook pre-push", ["waits"]),
    ("--hook worktree-post-create", []),
    ("--worktree other", ["waits"]),
    ("--worktree repo", []),
    ("--tag slow", ["waits"]),
    ("--tag net", []),
    ("--older-than 0s", ["waits"]),
    ("--older-than 1h", []),
    ("--inv ffff", []),
    ("waits", ["waits"]),
    ("waits --tag slow", ["waits"]),
    ("waits --tag net", []),
)


@pytest.mark.usefixtures("recorded")
def test_cancel_means_what_it_is_told(capsys: Captured) -> None:
    found = {}
    for options, _names in CANCELS:
        assert main(["jobs", "cancel", *options.split(), "--dry-run"]) == 0
        told = capsys.readouterr().err.splitlines()
        found[options] = [line.partition(":")[2] for line in told if line != "nothing to cancel"]
    assert found == {options: [f"{name} (queued)" for name in names] for options, names in CANCELS}
    assert listed(capsys, "jobs", "--all", "--status", "queued") == ["other/waits"]


@pytest.mark.usefixtures("recorded")
def test_a_bare_name_means_this_worktree_first(capsys: Captured) -> None:
    assert main(["jobs", "show", "build", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["worktree"] == "repo"
    assert main(["jobs", "show", "waits", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["worktree"] == "other"
    with pytest.raises(NotFound):
        main(["jobs", "show", "nothing"])


def test_a_name_that_runs_in_several_worktrees_is_not_cancelled(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.fire(recorded.repo, "pre-push", front("waits"))
    fresh = recorded.repo.worktree("../fresh", "fresh")
    monkeypatch.chdir(fresh.path)
    with pytest.raises(Ambiguous) as caught:
        main(["jobs", "cancel", "waits"])
    assert "(repo)" in caught.value.message
    assert "(other)" in caught.value.message


@pytest.mark.usefixtures("recorded")
def test_what_has_ended_is_not_cancelled_again(capsys: Captured) -> None:
    assert main(["jobs", "cancel", "build"]) == 0
    assert capsys.readouterr().err.endswith(":build has ended already: failed\n")
