"""`skip`, `only`, `os` and `arch`: may this job run here and now, and if not, why, for a person.

Pure: conditions and the situation in, a reason out. An empty reason means: nothing is against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bough.hooks.errors import shown
from bough.hooks.globs import matches

SYSTEMS = ("linux", "macos")
ARCHITECTURES = ("arm64", "armv7l", "i686", "ppc64le", "riscv64", "s390x", "x86_64")
_SAME_ARCHITECTURE = {"aarch64": "arm64", "amd64": "x86_64", "i386": "i686"}


class Kind(StrEnum):
    """What a condition looks at."""

    ALWAYS = "always"
    NEVER = "never"
    MERGE = "merge"
    REBASE = "rebase"
    REF = "ref"
    ENV = "env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of `skip` or `only`: `value` is the glob of a ref, the name of a variable."""

    kind: Kind
    value: str = ""
    desc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What conditions look at; `branch` is empty on a detached HEAD."""

    branch: str
    env: Mapping[str, str]
    merging: bool
    rebasing: bool


def canonical_architecture(name: str) -> str:
    """One name per architecture, whatever the platform or the writer calls it."""
    lowered = name.lower()
    return _SAME_ARCHITECTURE.get(lowered, lowered)


def reason_to_skip(
    skip: Sequence[Condition], only: Sequence[Condition], situation: Situation
) -> str:
    """Why a job does not run: the first `skip` that holds, else the first `only` that does not."""
    for condition in skip:
        if _holds(condition, situation):
            return f"skip: {_told(condition, situation, holds=True)}"
    for condition in only:
        if not _holds(condition, situation):
            return f"only: {_told(condition, situation, holds=False)}"
    return ""


def wrong_platform(
    systems: Sequence[str], architectures: Sequence[str], *, system: str, architecture: str
) -> str:
    """Why this machine is not one that a job is meant for; empty lists mean any machine."""
    if systems and system not in systems:
        return f"os is {' or '.join(systems)} only"
    wanted = [canonical_architecture(name) for name in architectures]
    if wanted and canonical_architecture(architecture) not in wanted:
        return f"arch is {' or '.join(wanted)} only"
    return ""


def _holds(condition: Condition, situation: Situation) -> bool:
    match condition.kind:
        case Kind.ALWAYS:
            return True
        case Kind.NEVER:
            return False
        case Kind.MERGE:
            return situation.merging
        case Kind.REBASE:
            return situation.rebasing
        case Kind.REF:
            return bool(situation.branch) and matches(condition.value, situation.branch)
        case Kind.ENV:
            return bool(situation.env.get(condition.value))


def _told(condition: Condition, situation: Situation, *, holds: bool) -> str:
    """The condition's outcome in words; what the file says about itself goes first."""
    if condition.desc:
        return shown(condition.desc)
    match condition.kind:
        case Kind.ALWAYS | Kind.NEVER:
            return "true" if condition.kind is Kind.ALWAYS else "false"
        case Kind.REF:
            if holds:
                return f"on branch {shown(situation.branch)}"
            return f"not on branch {shown(condition.value)}"
        case Kind.ENV:
            return f"{condition.value} is {'set' if holds else 'not set'}"
        case Kind.MERGE | Kind.REBASE:
            return f"{condition.kind} in progress" if holds else f"no {condition.kind} in progress"
