"""The order of jobs in hooks and groups, and what it means for who waits for whom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.config.model import Group, Job, Mode
from bough.hooks.graph import cycles
from bough.hooks.ordering import ordered
from tests.hooks.planning import loaded, planned_jobs

EVENT = "worktree-post-create"


def waits(jobs: str, skipped: str = "") -> dict[str, tuple[str, str]]:
    """By job: the names that must have gone well, and those that must be done."""
    hook = loaded(f"hooks: {{{EVENT}: {{{jobs}}}}}").hooks[EVENT]
    running = [job for job in hook.jobs if job.name not in skipped]
    return {
        name: (" ".join(before.needs), " ".join(before.after))
        for name, before in ordered(hook.mode, running).items()
    }


J = {name: f"{{name: {name}, run: x}}" for name in "abcdef"}


def group(mode: str, *jobs: str) -> str:
    return f"{{group: {{{mode}: true, jobs: [{', '.join(jobs)}]}}}}"


@pytest.mark.parametrize(
    ("hook", "skipped", "expected"),
    [
        (f"jobs: [{J['a']}, {J['b']}]", "", {"a": ("", ""), "b": ("", "")}),
        (f"piped: true, jobs: [{J['a']}, {J['b']}]", "", {"a": ("", ""), "b": ("a", "")}),
        (f"sequential: true, jobs: [{J['a']}, {J['b']}]", "", {"a": ("", ""), "b": ("", "a")}),
        (
            f"piped: true, jobs: [{J['a']}, {group('parallel', J['b'], J['c'])}, {J['d']}]",
            "",
            {"a": ("", ""), "b": ("a", ""), "c": ("a", ""), "d": ("b c", "")},
        ),
        (
            f"piped: true, jobs: [{J['a']}, {group('parallel', J['b'], J['c'])}, {J['d']}]",
            "bc",
            {"a": ("", ""), "d": ("a", "")},
        ),
        (
            f"piped: true, jobs: [{J['a']}, {group('sequential', J['b'], J['c'])}, {J['d']}]",
            "",
            {"a": ("", ""), "b": ("a", ""), "c": ("a", "b"), "d": ("b c", "")},
        ),
        (
            (
                f"jobs: [{J['a']}, "
                f"{group('piped', J['b'], group('parallel', J['c'], J['d']), J['e'])}]"
            ),
            "",
            {"a": ("", ""), "b": ("", ""), "c": ("b", ""), "d": ("b", ""), "e": ("c d", "")},
        ),
    ],
)
def test_a_group_is_one_step_of_what_surrounds_it(
    hook: str, skipped: str, expected: dict[str, tuple[str, str]]
) -> None:
    assert waits(hook, skipped) == expected


def test_the_rows_wait_as_their_groups_say() -> None:
    rows = planned_jobs(
        f"hooks: {{{EVENT}: {{sequential: true, jobs: [{J['a']}, "
        f"{group('piped', J['b'], J['c'])}]}}}}"
    )
    assert {name: (row.spec.needs, row.spec.after) for name, row in rows.items()} == {
        "a": ((), ()),
        "b": ((), ("a",)),
        "c": (("b",), ("a",)),
    }


def nested(depth: int) -> Any:
    job = st.just("job")
    if depth == 0:
        return job
    return st.one_of(job, st.tuples(st.sampled_from(list(Mode)), st.lists(nested(depth - 1))))


@given(st.sampled_from(list(Mode)), st.lists(nested(3)))
def test_an_order_never_makes_a_circle(mode: Mode, tree: list[Any]) -> None:
    jobs: list[Job] = []
    numbers = iter(range(1, 10_000))

    def flatten(steps: list[Any], groups: tuple[Group, ...]) -> None:
        for step in steps:
            if step == "job":
                jobs.append(Job(name=f"j{len(jobs)}", run=(), groups=groups))
            else:
                flatten(step[1], (*groups, Group(number=next(numbers), mode=step[0])))

    flatten(tree, ())
    assert cycles({name: b.names for name, b in ordered(mode, jobs).items()}) == ()
