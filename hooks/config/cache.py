"""Compiled configurations, so that a git hook need not parse YAML to learn what it knew before.

An entry is JSON under the hash of the files that a configuration starts from and of bough's
version; it names every source with its hash. Every source is read and hashed again at each use, so
an entry can be stale but never believed. The cache is a convenience: whatever goes wrong with it,
the sources are parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence

from bough import __version__
from bough.coordinator.places import PlaceError, private_dir, state_root
from bough.coordinator.secrets import is_secret_name
from bough.hooks.config.build import config_from_data
from bough.hooks.config.model import Config
from bough.hooks.config.sources import Reader, Source
from bough.hooks.errors import ConfigError

_FORMAT = 2
_MOST_ENTRIES = 200


def recall(reader: Reader, starts: Sequence[Source]) -> Config | None:
    """The configuration that begins with the files `starts`, if it was compiled before as it is."""
    try:
        with open(_path(starts), encoding="ascii") as file:
            entry = json.load(file)
        known = {source.path: source for source in starts}
        sources = []
        for path, sha256, local, executed in entry["sources"]:
            source = known.get(path) or _source(reader, path, local, executed)
            if source is None or source.sha256 != sha256 or source.local is not local:
                return None
            sources.append(source)
        return config_from_data(entry["merged"], sources)
    except (OSError, ValueError, KeyError, TypeError, ConfigError, PlaceError):
        return None


def remember(starts: Sequence[Source], config: Config) -> None:
    """Keep a compiled configuration for the next time."""
    if any(source.local for source in starts) and _names_secrets(config.merged):
        return
    entry = {
        "sources": [
            [source.path, source.sha256, source.local, source.executed] for source in config.sources
        ],
        "merged": config.merged,
    }
    try:
        path = _path(starts)
        folder = private_dir(os.path.dirname(path))
        temporary = f"{path}.{os.getpid()}"
        with open(temporary, "w", encoding="ascii") as file:
            json.dump(entry, file)
        os.replace(temporary, path)
        _forget_old(folder)
    except (OSError, ValueError, TypeError, PlaceError):
        return


def _names_secrets(data: object) -> bool:
    """Whether a key anywhere is the name of a secret, whose value must not be stored."""
    if isinstance(data, Mapping):
        return any(is_secret_name(str(key)) or _names_secrets(value) for key, value in data.items())
    return isinstance(data, list | tuple) and any(map(_names_secrets, data))


def _source(reader: Reader, path: str, local: bool, executed: bool) -> Source | None:
    data = reader.read(path)
    if data is None:
        return None
    return Source(path=path, data=data, local=local, executed=executed)


def _path(starts: Sequence[Source]) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {__version__}".encode())
    for source in starts:
        name = source.path.encode("utf-8", "surrogateescape")
        digest.update(b"\0%d %d %s\0" % (source.local, len(source.data), name))
        digest.update(source.data)
    return f"{state_root()}/config-cache/{digest.hexdigest()}.json"


def _forget_old(folder: str) -> None:
    paths = [entry.path for entry in os.scandir(folder)]
    if len(paths) > _MOST_ENTRIES:
        paths.sort(key=os.path.getmtime)
        for path in paths[: len(paths) - _MOST_ENTRIES // 2]:
            os.unlink(path)
