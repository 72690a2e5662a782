"""One reading of a configuration: files in, one after the other, a `Config` out at the end.

Collects what is wrong over all files. The checks of the whole only speak when every file could be
read: what they would miss may stand in the one that could not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import normpath

from bough import __version__
from bough.hooks.config.build import config_from_data, executed_files
from bough.hooks.config.checks import check_merged, check_names
from bough.hooks.config.load import LOCAL_FILES
from bough.hooks.config.merge import Layer, Merged, merge
from bough.hooks.config.model import Config
from bough.hooks.config.nodes import Loc, Mapping, Node, Scalar, place
from bough.hooks.config.problems import check_shape
from bough.hooks.config.sources import MAX_FILE_BYTES, Reader, Source
from bough.hooks.config.yamltree import parse
from bough.hooks.errors import ConfigError, Problem, shown

MOST_SOURCES = 32
MOST_EXECUTED = 64


@dataclass(slots=True, kw_only=True)
class Reading:
    """`add` the main file, then the local one, then `finish`."""

    reader: Reader
    sources: list[Source] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    merged: Merged = field(default_factory=Merged)
    """What `finish` made of all files."""
    _open: list[str] = field(default_factory=list)
    """The files whose `extends` are being followed, from the first to the innermost."""
    _seen: list[str] = field(default_factory=list)

    def add(self, source: Source) -> None:
        """Take in a file, after everything that it extends."""
        self._seen.append(source.path)
        try:
            document = parse(source.path, source.data)
        except ConfigError as error:
            self.complete = False
            self.problems += error.problems
            return
        self.problems += document.problems
        if document.root is not None:
            self._add_layer(source, document.root)
        self.sources.append(source)

    def finish(self) -> Config:
        """The configuration; ConfigError with all problems, by file and position, if there are."""
        self.merged = merged = merge(self.layers)
        self._add_executed(merged)
        config = config_from_data(merged.data, self.sources)
        for layer in self.layers:
            self.problems += check_names(layer)
        if self.complete:
            self.problems += check_merged(config, merged)
        if self.problems:
            raise ConfigError(sorted(set(self.problems), key=self._position))
        return config

    def _add_layer(self, source: Source, root: Node) -> None:
        newer = _newer_bough_wanted(root)
        if newer:
            self._refuse(source.path, root, ("min_version",), newer)
            return
        checked = check_shape(source.path, root)
        self.problems += checked.problems
        self._open.append(source.path)
        for index, path in enumerate(checked.data.get("extends", ())):
            self._extend(source, root, ("extends", index), normpath(path))
        self._open.pop()
        self.layers.append(
            Layer(
                path=source.path,
                local=source.local,
                root=root,
                data=checked.data,
                damaged=checked.damaged,
            )
        )

    def _extend(self, source: Source, root: Node, way: Loc, path: str) -> None:
        if path in self._open:
            circle = [*self._open[self._open.index(path) :], path]
            names = " → ".join(map(shown, circle))
            self._refuse(source.path, root, way, f"`extends` goes in a circle: {names}")
        elif path in LOCAL_FILES:
            self._refuse(source.path, root, way, f"`{path}` is read by itself; do not extend it")
        elif path not in self._seen and len(self._seen) >= MOST_SOURCES:
            self._refuse(source.path, root, way, f"more than {MOST_SOURCES} files")
        elif path not in self._seen:
            self._follow(source, root, way, path)

    def _follow(self, source: Source, root: Node, way: Loc, path: str) -> None:
        try:
            data = self.reader.read(path)
        except ConfigError as error:
            self._refuse(source.path, root, way, error.problems[0].message)
            return
        if data is None:
            self._refuse(source.path, root, way, f"`{shown(path)}` does not exist")
            return
        self.add(Source(path=path, data=data, local=source.local))

    def _add_executed(self, merged: Merged) -> None:
        """Read what jobs run, so that consent is to these very bytes."""
        known = {source.path for source in self.sources}
        wanted = {p: ways for p, ways in executed_files(merged.data).items() if p not in known}
        for number, (path, ways) in enumerate(wanted.items()):
            if number == MOST_EXECUTED:
                self.problems.append(merged.problem(ways[0], f"more than {MOST_EXECUTED} scripts"))
                return
            try:
                data = self._executed(path)
            except ConfigError as error:
                self.problems.append(merged.problem(ways[0], error.problems[0].message))
                continue
            local = all(merged.origins[way][0].local for way in ways)
            self.sources.append(Source(path=path, data=data, local=local, executed=True))

    def _executed(self, path: str) -> bytes:
        data = self.reader.read(path)
        what = ""
        if data is None:
            what = "does not exist"
        elif len(data) > MAX_FILE_BYTES:
            what = f"is larger than {MAX_FILE_BYTES // 1024} KiB"
        if data is None or what:
            message = f"`{shown(path)}` {what}"
            raise ConfigError([Problem(path=path, line=1, column=1, message=message)])
        return data

    def _refuse(self, path: str, root: Node, way: Loc, message: str) -> None:
        self.complete = False
        line, column = place(root, way)
        self.problems.append(Problem(path=path, line=line, column=column, message=message))

    def _position(self, problem: Problem) -> tuple[int, Problem]:
        return self._seen.index(problem.path), problem


def _newer_bough_wanted(root: Node) -> str:
    """What to tell if the file is for a later version than this one; its keys may be too."""
    if not isinstance(root, Mapping) or "min_version" not in root.entries:
        return ""
    _, node = root.entries["min_version"]
    wanted = node.text if isinstance(node, Scalar) else ""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})*", wanted):
        return ""
    if _numbers(wanted) <= _numbers(__version__):
        return ""
    return f"this file needs bough {wanted} or newer, and this is bough {__version__}; update it"


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a release, for comparing; `1.2` and `1.2.0` are the same."""
    leading = re.match(r"[0-9]+(\.[0-9]+)*", version)
    numbers = [int(part) for part in leading[0].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
