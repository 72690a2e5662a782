"""The options that several verbs share, declared once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bough.worktree.cli.formats import Format


class HookMode(StrEnum):
    """How the jobs of fired events run: as declared, all in one place, or not at all."""

    AUTO = "auto"
    FOREGROUND = "foreground"
    BACKGROUND = "background"
    OFF = "off"


ADDRESS_HELP = "[worktree:][invocation:]job[#attempt]"

SkipHooks = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-hooks",
        metavar="SEL",
        help="Skip: all, an event, tag:x, or a job with what needs it (repeatable, a,b,c).",
    ),
]
Hooks = Annotated[
    HookMode, typer.Option("--hooks", help="Where jobs run: as declared, all in one place, or off.")
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Trust the configuration that fires, and remember it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
Layout = Annotated[
    str | None,
    typer.Option("--layout", metavar="L", help="Where the worktree goes: a layout or a template."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How the list is written.")]
