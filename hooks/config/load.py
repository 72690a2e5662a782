"""Finds the files of a configuration, reads each once, and makes one checked `Config` of them.

Precedence from low to high: what the main file extends, the main file, what the local file extends,
the local file. A file overrides what it extends; one that is named twice counts where it was named
first. Every problem of every file is in the one ConfigError. Paths are relative to the root of the
worktree, wherever the file that names them lies.

YAML and the schema are imported by `load` itself: whoever only looks for sources pays for neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from posixpath import dirname, join

from bough.hooks.config.cache import recall, remember
from bough.hooks.config.model import Config
from bough.hooks.config.sources import Reader, Source
from bough.hooks.errors import ConfigError, Problem, shown

MAIN_FILES = tuple(
    f"{stem}.{suffix}"
    for stem, suffix in product(("bough", ".bough", ".config/bough"), ("yml", "yaml"))
)
LOCAL_FILES = tuple(
    f"{stem}.local.{suffix}"
    for stem, suffix in product(
        ("bough", ".bough", ".config/bough", ".config/.bough"), ("yml", "yaml")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The two files that a configuration starts from."""

    main: Source | None
    local: Source | None


def find_sources(reader: Reader) -> Found:
    """The main file and its local companion.

    ConfigError if there are two of one kind, or if the companion does not lie beside the main file.
    """
    main = _only(reader, MAIN_FILES, local=False)
    local = _only(reader, LOCAL_FILES, local=True)
    if main and local and dirname(main.path) != dirname(local.path):
        beside = join(dirname(main.path), "bough.local.yml")
        message = f"the local file of {main.path} lies beside it: move this to {beside}"
        raise ConfigError([_at_top(local.path, message)])
    return Found(main=main, local=local)


def load(reader: Reader) -> Config | None:
    """The configuration that `reader` has, checked as a whole; None if it has none.

    ConfigError with every problem that was found.
    """
    try:
        found = find_sources(reader)
        starts = [source for source in (found.main, found.local) if source is not None]
        if not starts:
            return None
        config = recall(reader, starts)
        if config is None:
            config = _read(reader, starts)
            remember(starts, config)
        return config
    except ConfigError as error:
        hint = f"The files are those of {shown(reader.label)}."
        raise ConfigError(error.problems, hint=hint) from None


def _read(reader: Reader, starts: list[Source]) -> Config:
    from bough.hooks.config.reading import Reading

    reading = Reading(reader=reader)
    for source in starts:
        reading.add(source)
    return reading.finish()


def _only(reader: Reader, candidates: tuple[str, ...], *, local: bool) -> Source | None:
    """The one of `candidates` that exists."""
    sources = [
        Source(path=path, data=data, local=local)
        for path in candidates
        if (data := reader.read(path)) is not None
    ]
    if len(sources) > 1:
        first, *others = (source.path for source in sources)
        raise ConfigError(
            [
                _at_top(other, f"{first} and {other} are both there; keep one of them")
                for other in others
            ]
        )
    return sources[0] if sources else None


def _at_top(path: str, message: str) -> Problem:
    return Problem(path=path, line=1, column=1, message=message)
