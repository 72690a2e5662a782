"""The JSON Schema for editors agrees with the loader: whatever that accepts, and no unknown key."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bough.hooks.config import schema as shapes
from bough.hooks.config.editors import json_schema
from bough.hooks.config.load import load
from bough.hooks.config.nodes import Mapping, Node, Sequence
from bough.hooks.config.schema import FileShape, Shape
from bough.hooks.config.wording import MEANINGS
from bough.hooks.config.yamltree import parse
from bough.hooks.errors import ConfigError
from tests.hooks.config.test_keys import HOOK_KEYS, JOB_KEYS
from tests.hooks.planning import Files
from tests.house.documents import documents
from tests.house.source import ROOT

VALIDATOR = Draft202012Validator(json_schema())
EVENT = "worktree-post-create"


def plain(node: Node | None) -> Any:
    """The tree as an editor sees it: numbers are numbers."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {} if node is None else node.value


def data(text: str) -> Any:
    return plain(parse("bough.yml", text.encode()).root)


def documented() -> list[str]:
    return [b.body for document in documents() for b in document.blocks() if b.is_config]


def of_scenarios() -> Iterator[str]:
    """Every bough.yml of the scenarios that the loader accepts."""
    for path in sorted((ROOT / "scenarios").rglob("*.yml")):
        repo = yaml.safe_load(path.read_text(encoding="utf-8")).get("repo", {})
        text = repo.get("files", {}).get("bough.yml") if isinstance(repo, dict) else None
        try:
            if isinstance(text, str) and load(Files({"bough.yml": text})) is not None:
                yield text
        except ConfigError:
            continue  # a scenario about mistakes


def keys() -> list[str]:
    jobs = [f"hooks: {{{EVENT}: {{jobs: [{{{text}}}]}}}}" for _, text, _ in JOB_KEYS]
    return jobs + [f"hooks: {{{EVENT}: {{{text}}}}}" for _, text, _ in HOOK_KEYS]


def test_it_is_a_valid_schema_of_its_dialect() -> None:
    made = json_schema()
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("texts", [documented(), list(of_scenarios()), keys()], ids=len)
def test_it_accepts_what_the_loader_accepts(texts: list[str]) -> None:
    assert len(texts) > 3
    problems = [f"{error.message}\n{t}" for t in texts for error in VALIDATOR.iter_errors(data(t))]
    assert problems == []


@pytest.mark.parametrize(
    "text",
    [
        "min_version: 0.1",
        "extends: one.yml",
        f"hooks: {{{EVENT}: {{jobs: [{{run: x, name: 1, timeout: 5, retries: 2}}]}}}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: {{macos: x}}, skip: merge, arch: AMD64}}]}}}}",
        "tasks: {a: {run: x}, b: {piped: true, jobs: [{run: x}]}, c: {env: {A: true}, run: x}}",
    ],
)
def test_short_spellings_are_accepted(text: str) -> None:
    load(Files({"bough.yml": text, "one.yml": ""}))
    assert list(VALIDATOR.iter_errors(data(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "hooks: {pre-comit: {jobs: [{run: x}]}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: x, when: never}}]}}}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: ''}}]}}}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: ~}}]}}}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: x, env: {{'A B': x}}}}]}}}}",
        f"hooks: {{{EVENT}: {{jobs: [{{run: x, retries: 99}}]}}}}",
        f"hooks: {{{EVENT}: {{parallel: yes please, jobs: []}}}}",
        "coordinator: {max_parallel: 0}",
    ],
)
def test_what_it_can_say_against_a_value_it_says(text: str) -> None:
    with pytest.raises(ConfigError):
        load(Files({"bough.yml": text}))
    assert list(VALIDATOR.iter_errors(data(text))) != []


def mappings(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The ways to all mappings with known keys."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    named = {("hooks",), ("tasks",), ("env", "values"), ("env", "ports", "names")}
    free = way in named or (way[-1:] == ("env",) and way != ("env",)) or way[-1:] == ("locks",)
    if isinstance(value, dict) and not free:
        yield way
    for part, child in inside:
        if isinstance(child, dict | list):
            yield from mappings(child, (*way, part))


def test_an_unknown_key_is_refused_wherever_it_stands() -> None:
    tried = 0
    for text in (*documented(), *keys()):
        whole = data(text)
        for way in mappings(whole):
            planted = copy.deepcopy(whole)
            target = planted
            for part in way:
                target = target[part]
            target["no_such_key"] = 1
            assert not VALIDATOR.is_valid(planted), way
            tried += 1
    assert tried > 50


def test_every_key_has_a_meaning() -> None:
    """A new key of `schema` is described in `wording`, in the words that an editor shows."""
    known = {
        shape.__name__: set(shape.model_fields)
        for shape in vars(shapes).values()
        if isinstance(shape, type) and issubclass(shape, Shape) and shape is not Shape
    }
    assert {name: set(meanings) for name, meanings in MEANINGS.items()} == known


def test_an_editor_shows_what_a_key_means() -> None:
    job = json_schema()["$defs"]["JobShape"]["properties"]
    assert job["needs"]["description"] == MEANINGS["JobShape"]["needs"]
    assert set(json_schema()["properties"]) == set(FileShape.model_fields)
