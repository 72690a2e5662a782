"""Job specs as JSON text, as `jobs.spec_json` holds them.

Pure: a codec. Reading tolerates unknown and missing fields, so that a spec written by another
version can still be shown and retried.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from bough.coordinator.model import JobFile, JobSpec, LockMode, LogPolicy, Output, Retry, When

_TUPLES = ("argv", "needs", "after", "tags")
_NAMES = {
    kind: frozenset(field.name for field in fields(kind))
    for kind in (JobSpec, JobFile, Retry, LogPolicy)
}


def to_json(spec: JobSpec) -> str:
    """The spec as one line of ASCII JSON (undecodable bytes as escaped surrogates)."""
    return json.dumps(asdict(spec))


def from_json(text: str) -> JobSpec:
    """The spec that `to_json` wrote."""
    data = _known(JobSpec, json.loads(text))
    for key in _TUPLES:
        if key in data:
            data[key] = tuple(data[key])
    if "env" in data:
        data["env"] = tuple((name, value) for name, value in data["env"])
    if "files" in data:
        data["files"] = tuple(JobFile(**_known(JobFile, file)) for file in data["files"])
    if "locks" in data:
        data["locks"] = tuple((name, LockMode(mode)) for name, mode in data["locks"])
    if "when" in data:
        data["when"] = When(data["when"])
    if "output" in data:
        data["output"] = Output(data["output"])
    if "retry" in data:
        data["retry"] = Retry(**_known(Retry, data["retry"]))
    if "log" in data:
        data["log"] = LogPolicy(**_known(LogPolicy, data["log"]))
    return JobSpec(**data)


def _known(
    kind: type[JobSpec | JobFile | Retry | LogPolicy], data: dict[str, Any]
) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key in _NAMES[kind]}
