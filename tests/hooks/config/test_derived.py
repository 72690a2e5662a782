"""The top-level `env`: what each key means, what is refused, and how values are rendered."""

from __future__ import annotations

import pytest

from bough.hooks.config.derived import Derived, Ports
from bough.hooks.config.load import load
from bough.hooks.errors import ConfigError
from tests.hooks.planning import Files, loaded

FACTS = {
    "branch": "feat/x",
    "branch_slug": "feat-x",
    "worktree_path": "/w/it's",
    "worktree_name": "it's",
    "main_path": "/w/repo",
    "repo": "repo",
    "base_branch": "main",
}


def ports(text: str) -> Ports:
    found = loaded(f"env: {{ports: {{{text}}}}}").env.ports
    assert found is not None
    return found


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(Files({"bough.yml": text}))
    return [str(problem).removeprefix("bough.yml:") for problem in refused.value.problems]


def test_without_the_key_nothing_is_derived() -> None:
    assert loaded("hooks: {}").env == Derived()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "names: [A, B]",
            Ports(low=20000, high=32767, size=16, salt="", offsets=(("A", 0), ("B", 1))),
        ),
        ("names: A", Ports(low=20000, high=32767, size=16, salt="", offsets=(("A", 0),))),
        (
            "names: {A: 15, B: 2}, range: 3000-3999, block_size: 20, salt: x",
            Ports(low=3000, high=3999, size=20, salt="x", offsets=(("A", 15), ("B", 2))),
        ),
    ],
)
def test_ports_are_named_by_a_list_or_by_offsets(text: str, expected: Ports) -> None:
    assert ports(text) == expected


def test_a_local_file_adds_values_and_replaces_names() -> None:
    config = loaded(
        "env: {ports: {names: [A], salt: s}, values: {X: 1}}",
        bough__local__yml="env: {ports: {names: {B: 3}}, values: {Y: 2}}",
    )
    assert config.env.ports is not None
    assert config.env.ports.offsets == (("B", 3),)
    assert config.env.ports.salt == "s"
    assert dict(config.env.values) == {"X": "1", "Y": "2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env: {port: {}}", "1:7: unknown key `port`; did you mean `ports`?"),
        ("env: {ports: {salt: x}}", "1:14: `ports` names no ports: it needs `names`"),
        ("env: {ports: {names: [A, 1B]}}", "1:26: `1B` is not the name of a variable"),
        (
            "env: {ports: {names: [BOUGH_JOB]}}",
            "1:23: `BOUGH_JOB` is set by bough and cannot be changed",
        ),
        (
            "env: {ports: {names: {A: 16}}}",
            "1:26: `A` has the offset 16, and a block is 16 ports long",
        ),
        ("env: {ports: {names: {A: 1, B: 1}}}", "1:32: `B` would be the same port as `A`"),
        ("env: {ports: {names: [branch]}}", "1:22: `branch` is a template already"),
        (
            "env: {ports: {names: [A], range: 80-90}}",
            "1:34: `range` is wrong: `80-90` is no range of ports; write it like 20000-32767",
        ),
        (
            "env: {ports: {names: [A], range: 3000-3010}}",
            "1:14: not one block of 16 ports fits from 3000 to 3010",
        ),
        (
            "env: {ports: {names: [WEB]}, values: {URL: 'x:{WEBB}'}}",
            "1:44: unknown template `{WEBB}`; did you mean `WEB`?",
        ),
        ("env: {ports: {names: [A]}, values: {A: x}}", "1:40: `A` is the name of a port, too"),
        ("env: {values: {A: '{commit}'}}", "1:19: unknown template `{commit}`"),
        ("env: {values: {A: '{env:HOME}'}}", "1:19: `{env:HOME}` works in `run` only"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    assert any(problem.startswith(said) for problem in problems(text)), problems(text)


def test_values_are_rendered_with_templates_and_ports() -> None:
    derived = loaded("""
env:
  ports: {names: [WEB, Db_1, low]}
  values:
    URL: http://localhost:{WEB}/{branch_slug}
    ALL: "{low}{Db_1} {worktree_path} {{WEB}} {{low}} ${WEB} {WEB"
""").env
    assert derived.rendered(FACTS, {"WEB": 20000, "Db_1": 20001, "low": 20002}) == {
        "WEB": "20000",
        "Db_1": "20001",
        "low": "20002",
        "URL": "http://localhost:20000/feat-x",
        "ALL": "2000220001 /w/it's {WEB} {low} ${WEB} {WEB",
    }
