"""`bough hooks schema|dump`: what bough.yml may say, and what it says when all is merged."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from bough.coordinator.errors import Exit, NotFound
from bough.hooks.config.readers import FolderReader
from bough.hooks.repository import discover
from bough.worktree.cli.context import globals_of, start_folder
from bough.worktree.cli.narration import Volume


class DumpFormat(StrEnum):
    """How a merged configuration is written."""

    YAML = "yaml"
    JSON = "json"


def schema() -> int:
    """Print the JSON Schema of bough.yml, for editors."""
    from bough.hooks.config.editors import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
    return Exit.OK


def dump(
    context: typer.Context,
    format_: Annotated[
        DumpFormat, typer.Option("--format", help="How it is written.")
    ] = DumpFormat.YAML,
) -> int:
    """Print what all files of the configuration say together; -v before the verb adds where."""
    from bough.hooks.config.dump import as_json, as_yaml, trace

    folder = start_folder(context)
    repo = discover(folder)
    traced = trace(FolderReader(repo.top or folder))
    if traced is None:
        raise NotFound("there is no bough.yml here", hint="bough demo   shows one.")
    write = as_yaml if format_ is DumpFormat.YAML else as_json
    verbose = globals_of(context).volume is Volume.VERBOSE
    sys.stdout.write(write(traced.data, traced.origin if verbose else None))
    return Exit.OK
