"""What `--skip-hooks` and `BOUGH_SKIP` leave out: `all`, an event, `tag:x`, a job; and what
`--job` and `--tag` leave over.

Pure: selectors and jobs in, reasons out. A job is left out together with everything that needs it.
A word with several readings means all of them; a whole value that is a job's name is that job, so
that a name may contain commas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bough.hooks.errors import shown
from bough.hooks.graph import dependents, reached

ALL = "all"
_TAG = "tag:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Job names with the reason of each, and the selectors that meant no job of this event.

    A selector may be meant for another event of the same command: only what is unmatched by all
    of its plans deserves a warning.
    """

    reasons: Mapping[str, str]
    unmatched: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Jobs by name and by tag: these, and what they need, are all that is to run. Empty: all."""

    jobs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


EVERYTHING = Choice()


def not_chosen(
    choice: Choice, tags: Mapping[str, Sequence[str]], needs: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The jobs that the choice leaves out, each with the reason."""
    if not choice.jobs and not choice.tags:
        return {}
    chosen = [
        name for name in tags if name in choice.jobs or not set(choice.tags).isdisjoint(tags[name])
    ]
    kept = {*chosen, *reached(chosen, needs)}
    options = " or ".join(
        option for option, used in (("--job", choice.jobs), ("--tag", choice.tags)) if used
    )
    return {name: f"not chosen by {options}" for name in tags if name not in kept}


def split_selectors(values: Sequence[str], names: frozenset[str]) -> tuple[str, ...]:
    """The single selectors in `values`, each of which may be a list with commas."""
    parts: list[str] = []
    for value in values:
        parts += [value] if value in names else map(str.strip, value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def skipped_jobs(
    values: Sequence[str],
    event: str,
    tags: Mapping[str, Sequence[str]],
    needs: Mapping[str, Sequence[str]],
) -> Skipped:
    """Apply selectors to the jobs of one event; `tags` and `needs` are by job, as declared."""
    chosen: dict[str, str] = {}
    unmatched: list[str] = []
    for selector in split_selectors(values, frozenset(tags)):
        meant = [name for name in tags if _means(selector, event, name, tags[name])]
        if not meant and selector not in (ALL, event):
            unmatched.append(selector)
        for name in meant:
            chosen.setdefault(name, f"--skip-hooks {shown(selector)}")
    for name, via in reached(chosen, dependents(needs)).items():
        chosen[name] = f"needs {shown(via)}, which was skipped by --skip-hooks"
    return Skipped(reasons=chosen, unmatched=tuple(unmatched))


def unmatched_warning(selector: str) -> str:
    """What to tell about a selector that no plan of a command had a job for."""
    return f"--skip-hooks {shown(selector)}: no event, tag or job has this name"


def _means(selector: str, event: str, name: str, tags: Sequence[str]) -> bool:
    if selector in (ALL, event, name):
        return True
    return selector.startswith(_TAG) and selector.removeprefix(_TAG) in tags
