"""`bough env [NAME]`: the ports and values that the worktree at hand has of its own."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated

import typer

from bough.coordinator.errors import BoughError, Exit, NotFound, UsageError
from bough.coordinator.store import schemas
from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import UntrustedError, did_you_mean, shown
from bough.hooks.firing import Site, consented, variables_of
from bough.hooks.paths import shown_path
from bough.worktree.cli.context import start_folder
from bough.worktree.cli.dotenv import DamagedBlock, with_block
from bough.worktree.cli.formats import Format, write
from bough.worktree.cli.options import OutputFormat
from bough.worktree.cli.session import open_session
from bough.worktree.cli.terminal import harmless, say, tell
from bough.worktree.listeners import occupied
from bough.worktree.workshop import Workshop, here


class EnvFileError(BoughError):
    """The file that the variables are to be written to cannot take them."""

    code = "ENV_FILE"


def env(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this variable's value.")
    ] = None,
    write_to: Annotated[
        str | None,
        typer.Option("--write", metavar="FILE", help="Into this file, in a block of bough's own."),
    ] = None,
    format_: OutputFormat = Format.TABLE,
) -> int:
    """Print the ports and values of this worktree."""
    if write_to is not None and (name is not None or format_ is not Format.TABLE):
        raise UsageError("--write takes all variables, and neither NAME nor --format")
    shop = open_session(context)
    entry = here(shop)
    config = load(FolderReader(entry.path))
    site = shop.site(entry)
    variables = _variables(shop, site, config)
    taken = _occupied(config, variables, site)
    for variable, who in taken.items():
        say(f"bough: port {variables[variable]} ({variable}) is in use by {harmless(who)}")
    if write_to is not None:
        _write(os.path.join(start_folder(context), write_to), variables)
    elif name is not None:
        if name not in variables:
            near = did_you_mean(name, variables)
            raise NotFound(f"no variable {shown(name)!r} is derived here{near}")
        _tell({name: variables[name]}, taken, format_, bare=True)
    else:
        if not variables:
            say("nothing is derived here; `env:` in bough.yml says what is")
        _tell(variables, taken, format_, bare=False)
    return Exit.OK


def _variables(shop: Workshop, site: Site, config: Config | None) -> dict[str, str]:
    if config is None or not (config.env.ports or config.env.values):
        return {}
    if not consented(shop.ground, shop.terms, config):
        raise UntrustedError(
            f"{config.main_file} is not trusted here, so it derives nothing",
            hint=f"Look at it, then: bough trust {shlex.quote(site.path)}",
        )
    with closing(schemas.write_repository(shop.ground.places)) as connection:
        return variables_of(connection, shop.ground, site, config)


def _occupied(config: Config | None, variables: Mapping[str, str], site: Site) -> dict[str, str]:
    """The names of ports that others listen on, with who does."""
    ports = config.env.ports if config is not None and variables else None
    if ports is None:
        return {}
    numbers = {name: int(variables[name]) for name, _ in ports.offsets}
    found = occupied(set(numbers.values()), worktree=site.path)
    return {name: found[number] for name, number in numbers.items() if number in found}


def _tell(
    variables: Mapping[str, str], taken: Mapping[str, str], format_: Format, *, bare: bool
) -> None:
    if format_ is not Format.TABLE:
        rows = [
            {"name": name, "value": value, "in_use_by": taken.get(name)}
            for name, value in variables.items()
        ]
        write(rows, ("name", "value", "in_use_by"), format_)
        return
    for name, value in variables.items():
        tell(value if bare else f"{name}={shlex.quote(value)}")


def _write(path: str, variables: Mapping[str, str]) -> None:
    """Put the variables into the file, which is replaced as a whole or not at all."""
    path = os.path.realpath(path)
    temporary = f"{path}.bough-{os.getpid()}"
    try:
        before, mode = _content(path)
        after = with_block(before, variables)
        if after == before:
            say(f"{shown_path(path)} is up to date")
            return
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(after)
                os.fchmod(file.fileno(), mode)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise EnvFileError(f"{shown_path(path)} cannot be written: {error.strerror}") from error
    except DamagedBlock:
        raise EnvFileError(
            f"{shown_path(path)} has marks of bough's block, but not one of each in order",
            hint="Remove the lines that begin with `# >>> bough env` and `# <<< bough env`.",
        ) from None
    say(f"wrote {', '.join(variables) or 'no variables'} to {shown_path(path)}")


def _content(path: str) -> tuple[bytes, int]:
    """What is in the file, and its mode; a new one may hold secrets."""
    try:
        with open(path, "rb") as file:
            return file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return b"", 0o600
