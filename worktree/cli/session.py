"""From a command line's options to an open workshop: the terms on which events are fired.

The command line is where the environment is read: everything below receives it as a value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from bough.coordinator.model import Owner
from bough.hooks.firing import Consent, Terms
from bough.hooks.git import require_git
from bough.hooks.repository import Repository
from bough.worktree.cli.consenting import ask_to_run, record
from bough.worktree.cli.context import globals_of, start_folder
from bough.worktree.cli.narration import Narrator
from bough.worktree.cli.notices import tell_when_done
from bough.worktree.cli.options import HookMode
from bough.worktree.cli.terms import command_line, fail_mode_of, selectors, switched_off
from bough.worktree.workshop import Workshop, open_workshop


def open_session(
    context: typer.Context,
    *,
    skip_hooks: Sequence[str] = (),
    hooks: HookMode = HookMode.AUTO,
    trusting: bool = False,
    typed_consent: bool = False,
    narrator: Narrator | None = None,
) -> Workshop:
    """The workshop for a command that may fire events.

    `trusting` records consent to whatever fires (`--trust`); `typed_consent` is for commands whose
    typing is itself the consent for this one run.
    """
    require_git()
    chosen = globals_of(context)
    narrator = narrator or Narrator(chosen.volume)
    context.call_on_close(lambda: narrator.warn_of_unmatched(tuple(skip_hooks)))

    def terms(repo: Repository) -> Terms:
        return Terms(
            command=command_line(sys.argv[1:]),
            observe=narrator,
            env=dict(os.environ),
            selectors=selectors(skip_hooks),
            override=_override(hooks),
            off=hooks is HookMode.OFF or switched_off(repo),
            consent=_consent(repo, trusting=trusting, typed=typed_consent),
            consent_hint="bough trust" if typed_consent else _trusting(sys.argv[1:]),
            fail_mode=fail_mode_of(repo),
        )

    shop = open_workshop(start_folder(context), terms)
    tell_when_done(context, shop.ground.places)
    return shop


def _trusting(arguments: Sequence[str]) -> str:
    """The same command line with `--trust`, which must not come after a `--`."""
    words = list(arguments)
    words.insert(words.index("--") if "--" in words else len(words), "--trust")
    return command_line(words)


def _override(hooks: HookMode) -> Owner | None:
    return {HookMode.FOREGROUND: Owner.FOREGROUND, HookMode.BACKGROUND: Owner.BACKGROUND}.get(hooks)


def _consent(repo: Repository, *, trusting: bool, typed: bool) -> Consent | None:
    nested = "BOUGH_INVOCATION" in os.environ
    if trusting:
        return lambda config, _standing: record(repo, config, "--trust")
    if typed and not nested:
        return lambda _config, _standing: True
    if nested or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return lambda config, standing: ask_to_run(repo, config, standing)
