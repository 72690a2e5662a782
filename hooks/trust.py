"""Trust: whether the user consented to a configuration, by the fingerprint of its very bytes.

A configuration has two parts with a fingerprint each: the tracked sources, and the local file. Both
that exist must be trusted. Nothing of an untrusted configuration may have any effect.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from bough.coordinator.store import consent, schemas
from bough.coordinator.store.consent import ALWAYS, Grant
from bough.hooks.config.model import Config, Job
from bough.hooks.events import TASK_PREFIX


class Part(StrEnum):
    """The parts of a configuration that are consented to separately."""

    TRACKED = "tracked"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of a configuration is not trusted yet, and what was trusted of it before."""

    untrusted: tuple[Part, ...]
    previous: str
    """The tracked sources as last trusted in this repository, '' when they never were."""

    @property
    def trusted(self) -> bool:
        return not self.untrusted


def standing(config: Config, repository: str, path: str) -> Standing:
    """How the user's recorded consent stands to this configuration in this repository."""
    connection = schemas.read_user()
    if connection is None:
        return Standing(untrusted=tuple(_parts(config)), previous="")
    try:
        known = consent.grants(connection, repository)
    finally:
        connection.close()
    if any(grant.part == ALWAYS and grant.path == path for grant in known):
        return Standing(untrusted=(), previous="")
    fingerprints = {(grant.part, grant.fingerprint) for grant in known}
    untrusted = tuple(
        part for part, value in _parts(config).items() if (part, value) not in fingerprints
    )
    previous = next((grant.content for grant in known if grant.part == Part.TRACKED), "")
    return Standing(untrusted=untrusted, previous=previous)


def grant(config: Config, repository: str, path: str, *, how: str) -> None:
    """Record consent to both parts of this configuration as it is."""
    connection = schemas.write_user()
    try:
        for part, fingerprint in _parts(config).items():
            consent.grant(
                connection,
                repository=repository,
                path=path,
                part=part,
                fingerprint=fingerprint,
                # Only tracked sources are ever compared; what is local may hold secrets.
                content=content(config, part) if part is Part.TRACKED else "",
                how=how,
            )
    finally:
        connection.close()


def grant_always(repository: str, path: str, *, how: str) -> None:
    """Record consent to whatever this repository says, as long as it stays where it is."""
    connection = schemas.write_user()
    try:
        consent.grant(
            connection,
            repository=repository,
            path=path,
            part=ALWAYS,
            fingerprint="",
            content="",
            how=how,
        )
    finally:
        connection.close()


def revoke(repository: str, path: str, *, how: str) -> int:
    """Withdraw all consent for a repository; how many grants there were."""
    connection = schemas.write_user()
    try:
        return consent.revoke(connection, repository=repository, path=path, how=how)
    finally:
        connection.close()


def listed(repository: str | None) -> tuple[Grant, ...]:
    """The recorded grants, newest first."""
    connection = schemas.read_user()
    if connection is None:
        return ()
    try:
        return consent.grants(connection, repository)
    finally:
        connection.close()


def content(config: Config, part: Part) -> str:
    """The sources of a part as one text, as they are shown and compared."""
    chosen = [source for source in config.sources if source.local == (part is Part.LOCAL)]
    return "".join(
        f"# {source.path}\n{source.data.decode('utf-8', 'replace')}\n" for source in chosen
    )


def _parts(config: Config) -> dict[Part, str]:
    parts = {Part.TRACKED: config.tracked_fingerprint, Part.LOCAL: config.local_fingerprint}
    return {part: value for part, value in parts.items() if value}


def commands(config: Config) -> list[tuple[str, str, str]]:
    """(event, job, command) of everything that the configuration can run, templates unrendered."""
    declared = [*config.hooks.items(), *((f"{TASK_PREFIX}{n}", t) for n, t in config.tasks.items())]
    return [
        (event, job.name, command)
        for event, hook in declared
        for job in hook.jobs
        for command in _commands(job)
    ]


def _commands(job: Job) -> list[str]:
    if job.script is None:
        return [command for _system, command in job.run]
    return [shlex.join([*job.script.runner, job.script.path, *job.script.args])]


def difference(before: str, after: str) -> list[str]:
    """The lines of a unified diff without its file names."""
    from difflib import unified_diff

    return list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
