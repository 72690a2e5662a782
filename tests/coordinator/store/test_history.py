"""Pages that hold still, filters that hold together, addresses that mean one job or are refused."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.errors import Ambiguous, NotFound
from bough.coordinator.model import Change, Job, NewJob, Retry, Status
from bough.coordinator.store import history, jobs
from bough.coordinator.store.history import Filter, Page, find, page, readings
from tests.support.engine import background, foreground, new_invocation

S = Status
Connection = sqlite3.Connection


def insert(connection: Connection, *new: NewJob, **invocation: Any) -> tuple[Job, ...]:
    return jobs.insert(connection, new_invocation(**invocation), new, "command")


def end(connection: Connection, job: Job, to: Status = S.SUCCEEDED) -> Job:
    running = jobs.move(connection, job, Change(to=S.RUNNING, by="test"))
    return jobs.move(connection, running, Change(to=to, by="test"))


def names(found: Page) -> list[str]:
    return [job.name for job in found.jobs]


# Pages.


def test_pages_are_newest_first_and_join_without_gap_or_repetition(connection: Connection) -> None:
    insert(connection, *(background(str(number)) for number in range(7)))
    seen: list[str] = []
    before = None
    sizes = []
    while True:
        found = page(connection, Filter(), limit=3, before=before)
        seen += names(found)
        sizes.append(len(found.jobs))
        before = found.next
        if before is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert sizes == [3, 3, 1]


def test_a_page_that_is_exactly_full_and_last_has_no_next(connection: Connection) -> None:
    insert(connection, background("a"), background("b"))
    assert page(connection, Filter(), limit=2).next is None
    assert page(connection, Filter(), limit=1).next is not None


def test_rows_that_arrive_meanwhile_do_not_move_the_next_page(connection: Connection) -> None:
    insert(connection, *(background(str(number)) for number in range(4)))
    first = page(connection, Filter(), limit=2)
    insert(connection, *(background(f"new {number}") for number in range(3)))
    second = page(connection, Filter(), limit=2, before=first.next)
    assert names(first) + names(second) == ["3", "2", "1", "0"]


@pytest.mark.parametrize(("limit", "size"), [(0, 1), (-5, 1), (1, 1), (2, 2), (10**9, 3)])
def test_the_limit_has_limits(connection: Connection, limit: int, size: int) -> None:
    insert(connection, background("a"), background("b"), background("c"))
    assert len(page(connection, Filter(), limit=limit).jobs) == size


def test_an_empty_history_is_an_empty_page(connection: Connection) -> None:
    assert page(connection, Filter()) == Page(jobs=(), next=None)
    assert history.active(connection, Filter()) == ()
    assert history.active_counts(connection) == {}


# Filters.


def test_filters_hold_together(connection: Connection) -> None:
    insert(connection, background("a", tags=("x",)), background("b"), event="e", branch="one")
    insert(connection, background("a"), background("c", tags=("x",)), event="e", branch="two")
    assert names(page(connection, Filter(tag="x"))) == ["c", "a"]
    assert names(page(connection, Filter(tag="x", name="a"))) == ["a"]
    assert names(page(connection, Filter(tag="x", worktree="two"))) == ["c"]
    assert names(page(connection, Filter(event="e", worktree="one"))) == ["b", "a"]
    assert names(page(connection, Filter(event="e", worktree="one", name="c"))) == []


def test_states_can_be_asked_for(connection: Connection) -> None:
    a, b, c, _d = insert(connection, *(background(name) for name in "abcd"))
    end(connection, a)
    end(connection, b, S.FAILED)
    end(connection, c, S.CRASHED)
    assert names(page(connection, Filter(status=S.SUCCEEDED))) == ["a"]
    assert names(page(connection, Filter(status=S.QUEUED))) == ["d"]
    assert names(page(connection, Filter(failed=True))) == ["c", "b"]
    assert [job.name for job in history.active(connection, Filter())] == ["d"]
    assert history.active_counts(connection) == {"queued": 1}


def test_an_invocation_is_found_by_its_prefix_alone(connection: Connection) -> None:
    insert(connection, background("a"), id="aaaa111122223333")
    insert(connection, background("b"), id="aaaa999922223333")
    assert names(page(connection, Filter(invocation="aaaa"))) == ["b", "a"]
    assert names(page(connection, Filter(invocation="aaaa1"))) == ["a"]
    assert names(page(connection, Filter(invocation="1111"))) == []
    assert names(page(connection, Filter(invocation="%"))) == []


def test_age_counts_from_the_queueing(connection: Connection) -> None:
    insert(connection, background("old"), created_at=1_000)
    insert(connection, background("new"))
    assert names(page(connection, Filter(older_than_s=3600))) == ["old"]
    assert names(page(connection, Filter(older_than_s=0))) == ["new", "old"]
    assert names(page(connection, Filter(older_than_s=10**30))) == []


def test_one_row_can_be_held_against_a_filter(connection: Connection) -> None:
    a, b = insert(connection, background("a", tags=("x",)), background("b"))
    assert history.matches(connection, a, Filter(tag="x"))
    assert not history.matches(connection, b, Filter(tag="x"))
    assert history.matches(connection, b, Filter())


def test_a_filter_is_narrowed_and_never_widened() -> None:
    wanted = Filter(name="a", invocation="abcd")
    assert history.narrowed(wanted, worktree_path="/t") == Filter(
        name="a", invocation="abcd", worktree_path="/t"
    )
    assert history.narrowed(wanted) == wanted
    assert history.narrowed(wanted, invocation="ffff").invocation == "ffff"


def test_worktrees_are_counted_by_what_is_active_and_what_failed_last(
    connection: Connection,
) -> None:
    (old,) = insert(connection, background("a"), worktree_path="/one")
    end(connection, old, S.FAILED)
    a, b = insert(
        connection, background("a", retry=Retry(max=1)), background("b"), worktree_path="/one"
    )
    end(connection, b, S.CRASHED)
    (c,) = insert(connection, background("a"), worktree_path="/two")
    end(connection, c)
    insert(connection, background("a"), background("b"), worktree_path="/three")
    end(connection, a, S.FAILED)  # its retry is queued, so it has not failed yet
    assert history.worktree_counts(connection) == {"/one": (1, 1), "/two": (0, 0), "/three": (2, 0)}


def test_background_work_is_what_keeps_an_invocation_open(connection: Connection) -> None:
    first = insert(connection, background("a"), foreground("b"))
    other = insert(connection, foreground("c"))
    assert history.has_background_work(connection, first[0].invocation)
    end(connection, first[0])
    assert not history.has_background_work(connection, first[0].invocation)
    assert not history.has_background_work(connection, other[0].invocation)
    assert not history.has_background_work(connection, "unknown")
    assert history.known(connection, other[0].invocation)
    assert not history.known(connection, "unknown")


def test_interrupted_starts_are_counted_within_their_time(connection: Connection) -> None:
    (job,) = insert(connection, background("a"))
    for _ in range(2):
        job = jobs.move(connection, job, Change(to=S.STARTING, by="test"))
        job = jobs.move(connection, job, Change(to=S.QUEUED, by="test"))
    assert history.interrupted_starts(connection, job.id, 0) == 2
    future = job.queued_at + 3_600_000
    assert history.interrupted_starts(connection, job.id, future) == 0


# Addresses.


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("build", [Filter(name="build")]),
        ("a:b", [Filter(name="a:b"), Filter(worktree="a", name="b")]),
        ("build#2", [Filter(name="build#2"), Filter(name="build", attempt=2)]),
        ("build#0", [Filter(name="build#0")]),
        ("build#x", [Filter(name="build#x")]),
        ("build#²", [Filter(name="build#²")]),
        ("build#99999999999999999999", [Filter(name="build#99999999999999999999")]),
        (
            "abcd:job",
            [
                Filter(name="abcd:job"),
                Filter(worktree="abcd", name="job"),
                Filter(invocation="abcd", name="job"),
            ],
        ),
        ("abc:job", [Filter(name="abc:job"), Filter(worktree="abc", name="job")]),
        ("ABCD:job", [Filter(name="ABCD:job"), Filter(worktree="ABCD", name="job")]),
        (
            "tree:abcd:job",
            [
                Filter(name="tree:abcd:job"),
                Filter(worktree="tree:abcd", name="job"),
                Filter(worktree="tree", invocation="abcd", name="job"),
                Filter(worktree="tree", name="abcd:job"),
            ],
        ),
        (
            "abcd:build:test",
            [
                Filter(name="abcd:build:test"),
                Filter(worktree="abcd:build", name="test"),
                Filter(worktree="abcd", name="build:test"),
                Filter(invocation="abcd", name="build:test"),
            ],
        ),
        (":job", [Filter(name=":job"), Filter(worktree="", name="job")]),
        ("", [Filter(name="")]),
    ],
)
def test_an_address_has_exactly_these_readings(address: str, read: list[Filter]) -> None:
    assert list(readings(address)) == read


@given(
    st.text(st.sampled_from("ab:#1"), min_size=1, max_size=6),
    st.sampled_from(["0123456789abcdef", "abcdabcdabcdabcd"]),
    st.integers(1, 12),
)
def test_every_address_that_is_shown_can_be_read_as_what_it_shows(
    name: str, invocation: str, attempt: int
) -> None:
    suffix = f"#{attempt}" if attempt > 1 else ""
    shown = f"{invocation[:6]}:{name}{suffix}"
    expected = Filter(invocation=invocation[:6], name=name, attempt=attempt if suffix else None)
    assert expected in readings(shown)


def test_the_full_name_and_the_newest_row_are_meant(connection: Connection) -> None:
    insert(connection, background("build:test"))
    (newest,) = insert(connection, background("build:test"))
    assert find(connection, "build:test") == newest
    assert find(connection, newest.address) == newest


def test_attempts_can_be_told_apart(connection: Connection) -> None:
    (first,) = insert(connection, background("a", retry=Retry(max=1)))
    failed = end(connection, first, S.FAILED)
    (second,) = jobs.of_invocation(connection, first.invocation_key)
    assert find(connection, "a") == second
    assert find(connection, "a#2") == second
    assert find(connection, "a#1") == failed
    assert find(connection, second.address) == second
    with pytest.raises(NotFound):
        find(connection, "a#3")


def test_two_meanings_are_refused_with_both(connection: Connection) -> None:
    (plain,) = insert(connection, background("one:job"))
    (other,) = insert(connection, background("job"), worktree_name="one")
    with pytest.raises(Ambiguous) as error:
        find(connection, "one:job")
    assert plain.address in error.value.message
    assert other.address in error.value.message
    assert find(connection, plain.address) == plain
    assert find(connection, other.address) == other


def test_two_readings_of_the_same_job_are_no_question(connection: Connection) -> None:
    (job,) = insert(connection, background("job"), id="abcdef0123456789", worktree_name="abcdef")
    assert find(connection, "abcdef:job") == job


def test_a_prefix_that_fits_several_invocations_is_refused_with_them(
    connection: Connection,
) -> None:
    insert(connection, background("job"), id="abcdef0000000000")
    insert(connection, background("job"), id="abcdef1111111111")
    with pytest.raises(Ambiguous, match="fits 2 invocations: abcdef0000000000, abcdef1111111111"):
        find(connection, "abcdef:job")
    assert find(connection, "abcdef1:job").invocation == "abcdef1111111111"
    with pytest.raises(NotFound):
        find(connection, "abcdef2:job")


def test_what_is_not_there_is_said_with_what_to_type(connection: Connection) -> None:
    insert(connection, background("job"))
    with pytest.raises(NotFound, match="no job is called 'jo'") as error:
        find(connection, "jo")
    assert error.value.hint == "bough jobs --all"
