"""The top-level `env` of a configuration: ports and values that each worktree has of its own.

Pure: plain data to values, and what is wrong with them. A worktree gets a block of ports; every
name has a fixed offset in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bough.hooks import templates
from bough.hooks.config.nodes import Loc
from bough.hooks.errors import did_you_mean, shown

DEFAULT_RANGE = "20000-32767"
DEFAULT_BLOCK_SIZE = 16
_LOWEST, _HIGHEST = 1024, 65_535

NAMES = (
    *("branch", "branch_slug", "worktree_path", "worktree_name", "main_path", "repo"),
    "base_branch",
)
"""The templates of values: what stays the same from one event of a worktree to the next."""

_NAME = r"(?=[a-z0-9_]*[A-Z])[A-Za-z_][A-Za-z0-9_]*"
_PORT = re.compile(rf"(?<!\$)(?:\{{\{{({_NAME})\}}\}}|(?<!\{{)\{{({_NAME})\}})")
"""A template with a capital letter: the name of a port, or a slip. `templates` knows the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Blocks of `size` ports between `low` and `high`, both included. `salt` '': the repository's
    name. `offsets` are by name."""

    low: int
    high: int
    size: int
    salt: str
    offsets: tuple[tuple[str, int], ...]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return (self.high - self.low + 1) // self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """The variables that are derived for a worktree; `values` are templates."""

    ports: Ports | None = None
    values: tuple[tuple[str, str], ...] = ()

    def rendered(self, facts: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
        """All variables; `facts` are by the `NAMES` of templates."""
        texts = {name: str(port) for name, port in ports.items()}
        known = {**facts, **texts}
        values = {
            name: templates.render_value(_with_ports(value, texts), known, ())
            for name, value in self.values
        }
        return {**texts, **values}


def parse_range(text: str) -> tuple[int, int]:
    """The first and the last port of `20000-32767`; ValueError with the reason."""
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    low, high = (int(match[1]), int(match[2])) if match else (0, 0)
    if not _LOWEST <= low <= high <= _HIGHEST:
        raise ValueError(
            f"`{shown(text)}` is no range of ports; write it like {DEFAULT_RANGE}, "
            f"from {_LOWEST} to {_HIGHEST}"
        )
    return low, high


def derived_from_data(body: Mapping[str, Any]) -> Derived:
    """What a checked `env` describes."""
    ports = body.get("ports")
    return Derived(
        ports=None if ports is None else _ports(ports),
        values=tuple(body.get("values", {}).items()),
    )


def _ports(body: Mapping[str, Any]) -> Ports:
    low, high = parse_range(body.get("range", DEFAULT_RANGE))
    names = body.get("names", {})
    if not isinstance(names, Mapping):
        names = {name: offset for offset, name in enumerate(dict.fromkeys(names))}
    return Ports(
        low=low,
        high=high,
        size=body.get("block_size", DEFAULT_BLOCK_SIZE),
        salt=body.get("salt", ""),
        offsets=tuple(names.items()),
    )


def derived_faults(derived: Derived) -> Iterator[tuple[Loc, str]]:
    """What is wrong, each with the way to it from `env`."""
    names = [] if derived.ports is None else [name for name, _ in derived.ports.offsets]
    if derived.ports is not None:
        yield from _faults_of_ports(derived.ports)
    for name, value in derived.values:
        if name in names:
            yield ("values", name), f"`{name}` is the name of a port, too"
        known = (*NAMES, *names)
        for found in _PORT.finditer(value):
            if found[2] and found[2] not in names:
                near = did_you_mean(found[2], known)
                yield ("values", name), f"unknown template `{found[0]}`{near}"
        plain = _with_ports(value, dict.fromkeys(names, "0"))
        for fault in templates.faults(plain, command=False, arguments=False, names=known):
            yield ("values", name), fault


def _faults_of_ports(ports: Ports) -> Iterator[tuple[Loc, str]]:
    if not ports.offsets:
        yield ("ports",), "`ports` names no ports: it needs `names`"
    if not ports.blocks:
        yield (
            ("ports",),
            f"not one block of {ports.size} ports fits from {ports.low} to {ports.high}",
        )
    seen: dict[int, str] = {}
    for name, offset in ports.offsets:
        if offset >= ports.size:
            message = f"`{name}` has the offset {offset}, and a block is {ports.size} ports long"
            yield ("ports", "names", name), message
        if seen.setdefault(offset, name) != name:
            yield ("ports", "names", name), f"`{name}` would be the same port as `{seen[offset]}`"
        if name in NAMES:
            yield ("ports", "names", name), f"`{name}` is a template already"


def _with_ports(value: str, ports: Mapping[str, str]) -> str:
    """`value` with the ports that have capital letters in their names filled in."""
    return _PORT.sub(
        lambda found: f"{{{found[1]}}}" if found[1] else ports.get(found[2], found[0]), value
    )
