"""The words that completion knows are those that the command line takes."""

from __future__ import annotations

import pytest
import typer

from bough.coordinator.model import ACTIVE, Status
from bough.coordinator.store import light
from bough.hooks.events import EVENTS
from bough.worktree.cli import candidates, vocabulary
from bough.worktree.cli.app import application
from bough.worktree.cli.commands.hooksconfig import DumpFormat
from bough.worktree.cli.commands.hooksgraph import GraphFormat
from bough.worktree.cli.formats import Format
from bough.worktree.cli.options import HookMode
from bough.worktree.cli.shell import SHELLS
from bough.worktree.cli.vocabulary import BOUGH, CHOICES, FLAG, TEXT, Verb
from bough.worktree.layouts import LAYOUTS


def paths(verb: Verb, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = [found for name, sub in verb.verbs.items() for found in paths(sub, (*path, name))]
    return [path, *below]


def known(path: tuple[str, ...]) -> Verb:
    verb = BOUGH
    for name in path:
        verb = verb.verbs[name]
    return verb


def real(path: tuple[str, ...]) -> typer.core.TyperCommand:
    command = typer.main.get_command(application())
    for name in path:
        command = command.commands[name]
    return command


def test_the_verbs_are_those_of_the_application() -> None:
    for path in paths(BOUGH):
        commands = getattr(real(path), "commands", {})
        assert set(known(path).verbs) == set(commands), path
        hidden = {name for name, verb in known(path).verbs.items() if verb.hidden}
        assert hidden == {name for name, command in commands.items() if command.hidden}


@pytest.mark.parametrize("path", paths(BOUGH), ids=" ".join)
def test_the_options_of_a_verb_are_those_of_the_application(path: tuple[str, ...]) -> None:
    options = [param for param in real(path).params if param.param_type_name == "option"]
    taken = {
        name: option.is_flag
        for option in options
        for name in (*option.opts, *option.secondary_opts)
        if name not in {"-h", "--help"}
    }
    assert {name: source == FLAG for name, source in known(path).options.items()} == taken


@pytest.mark.parametrize("path", paths(BOUGH), ids=" ".join)
def test_the_arguments_of_a_verb_are_those_of_the_application(path: tuple[str, ...]) -> None:
    arguments = [param for param in real(path).params if param.param_type_name == "argument"]
    verb = known(path)
    assert len(verb.arguments) == len(arguments)
    assert verb.repeats == any(argument.nargs == -1 for argument in arguments)


def test_every_source_exists() -> None:
    sources = {TEXT, FLAG, "folders", *CHOICES, *candidates._QUESTIONS}
    for path in paths(BOUGH):
        assert {*known(path).options.values(), *known(path).arguments} <= sources, path


def test_the_choices_are_those_of_their_owners() -> None:
    assert set(CHOICES["events"]) == set(EVENTS)
    assert CHOICES["dumps"] == tuple(DumpFormat)
    assert CHOICES["formats"] == tuple(Format)
    assert CHOICES["graphs"] == tuple(GraphFormat)
    assert CHOICES["layouts"] == tuple(LAYOUTS)
    assert CHOICES["modes"] == tuple(HookMode)
    assert CHOICES["shells"] == SHELLS
    assert CHOICES["statuses"] == tuple(Status)
    assert set(light.ACTIVE) == set(ACTIVE)
    assert vocabulary.FLAG == ""
