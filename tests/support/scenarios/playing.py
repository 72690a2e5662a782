"""Play one scenario from its first step to its last expectation, in a sandbox of its own."""

from __future__ import annotations

import signal
import sqlite3

from tests.support import leaks
from tests.support.isolation import Sandbox, entered, sandboxed
from tests.support.needs import need_tool
from tests.support.scenarios import expectations, report
from tests.support.scenarios.actions import perform
from tests.support.scenarios.schema import Expect, Scenario, Step
from tests.support.scenarios.world import World, build


class ScenarioFailed(AssertionError):
    """Something was not as the scenario says; the message is the whole report."""


def play(scenario: Scenario) -> None:
    """Raises `ScenarioFailed`, `leaks.Leak`, or pytest's own Skipped for a missing program."""
    try:
        with sandboxed() as sandbox, entered(sandbox):
            for tool in scenario.requires:
                need_tool(tool)
            _play(scenario, _build(scenario, sandbox))
    except leaks.Leak as leak:
        # Raised while the sandbox was left: it must not hide what had gone wrong before.
        if isinstance(leak.__context__, ScenarioFailed):
            raise ScenarioFailed(f"{leak.__context__}\n{leak}") from None
        raise


def _build(scenario: Scenario, sandbox: Sandbox) -> World:
    try:
        return build(sandbox, scenario.repo)
    except (AssertionError, OSError) as error:
        text = f"{scenario.path}: the repository could not be made:\n{error}"
        raise ScenarioFailed(text) from error


def _play(scenario: Scenario, world: World) -> None:
    try:
        for step in scenario.steps:
            _step(scenario, world, step)
        _expect(scenario, world, scenario.expect)
    finally:
        for command in world.commands.values():
            command.signal(signal.SIGKILL)
            command.finish(timeout=1)


def _step(scenario: Scenario, world: World, step: Step) -> None:
    place = f"{scenario.path}:{step.line}"
    try:
        ended = perform(world, step.action)
    except (AssertionError, OSError, sqlite3.Error) as error:
        text = report.failure(world, place, step.action, None, [str(error)])
        raise ScenarioFailed(text) from error
    problems = expectations.problems(world, step.expect, ended)
    if problems:
        raise ScenarioFailed(report.failure(world, place, step.action, ended, problems))


def _expect(scenario: Scenario, world: World, expect: Expect) -> None:
    problems = expectations.problems(world, expect, None)
    problems += [f"no step waits for {name!r}, which goes on" for name in world.commands]
    if problems:
        place = f"{scenario.path}:{scenario.expect_line or scenario.steps[-1].line}"
        raise ScenarioFailed(report.failure(world, place, None, None, problems))
