"""Which files take part, how they are laid over each other, and their fingerprints."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough import __version__
from bough.hooks.config.load import LOCAL_FILES, MAIN_FILES, find_sources, load
from bough.hooks.config.model import Config, CoordinatorSettings
from bough.hooks.config.readers import FolderReader
from bough.hooks.config.sources import Source, fingerprint
from bough.hooks.errors import ConfigError
from tests.hooks.planning import Files, loaded

JOB = "hooks: {post-commit: {jobs: [{run: x}]}}"


def problems(files: dict[str, str | bytes]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(Files(files))
    return [str(problem) for problem in refused.value.problems]


def merged(files: dict[str, str | bytes]) -> Config:
    config = load(Files(files))
    assert config is not None
    return config


@pytest.mark.parametrize("path", MAIN_FILES)
def test_the_main_file_goes_by_any_of_its_names(path: str) -> None:
    config = merged({path: JOB})
    assert [source.path for source in config.sources] == [path]
    assert list(config.hooks) == ["post-commit"]


@pytest.mark.parametrize("path", LOCAL_FILES)
def test_a_local_file_alone_is_a_configuration(path: str) -> None:
    config = merged({path: JOB})
    assert [(source.path, source.local) for source in config.sources] == [(path, True)]


def test_no_file_is_no_configuration() -> None:
    assert load(Files({"other.yml": JOB})) is None
    found = find_sources(Files({}))
    assert (found.main, found.local) == (None, None)


def test_an_empty_file_is_an_empty_configuration() -> None:
    config = merged({"bough.yml": ""})
    assert (dict(config.hooks), dict(config.tasks), config.layout) == ({}, {}, None)
    assert config.coordinator == CoordinatorSettings()
    assert config.tracked_fingerprint
    assert config.local_fingerprint == ""


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            ["bough.yml", ".bough.yaml"],
            [".bough.yaml:1:1: bough.yml and .bough.yaml are both there; keep one of them"],
        ),
        (
            ["bough.yml", "bough.local.yml", ".bough.local.yml"],
            [
                (
                    ".bough.local.yml:1:1: bough.local.yml and .bough.local.yml are both there; "
                    "keep one of them"
                )
            ],
        ),
        (
            [".config/bough.yml", "bough.local.yml"],
            [
                (
                    "bough.local.yml:1:1: the local file of .config/bough.yml lies beside it: "
                    "move this to .config/bough.local.yml"
                )
            ],
        ),
    ],
)
def test_two_candidates_or_a_stray_one_are_an_error_that_names_them(
    files: list[str], said: list[str]
) -> None:
    assert problems(dict.fromkeys(files, "")) == said


def test_the_error_says_whose_files_they_are() -> None:
    with pytest.raises(ConfigError) as refused:
        load(Files({"bough.yml": "x"}))
    assert refused.value.hint == "The files are those of here."


def test_later_files_win_and_say_what_they_change_only() -> None:
    config = merged(
        {
            "base.yml": """
layout: nested
coordinator: {max_parallel: 2, idle_exit: 5s}
hooks:
  worktree-post-create:
    piped: true
    fail_mode: warn
    env: {A: base, B: base}
    jobs:
      - {name: one, run: base, tags: [x, y], env: {K: 1, L: 1}, log: {retention: 1d}}
      - {name: two, run: base}
      - {run: unnamed base}
""",
            "bough.yml": """
extends: base.yml
layout: sibling
coordinator: {max_parallel: 4}
hooks:
  worktree-post-create:
    sequential: true
    env: {B: main}
    jobs:
      - {run: unnamed main}
      - {name: three, run: main}
      - {name: one, tags: z, env: {L: 2, M: 2}, log: {max_size: 1KB}}
  pre-push: {jobs: [{name: p, run: {linux: a}}]}
""",
            "bough.local.yml": """
hooks:
  pre-push: {jobs: [{name: p, run: {macos: b}, retries: 2}]}
  worktree-post-create: {jobs: [{name: two, run: local}]}
""",
        }
    )
    assert config.merged == {
        "layout": "sibling",
        "coordinator": {"max_parallel": 4, "idle_exit": "5s"},
        "hooks": {
            "worktree-post-create": {
                "sequential": True,
                "fail_mode": "warn",
                "env": {"A": "base", "B": "main"},
                "jobs": [
                    {
                        "name": "one",
                        "run": "base",
                        "tags": ["z"],
                        "env": {"K": "1", "L": "2", "M": "2"},
                        "log": {"retention": "1d", "max_size": "1KB"},
                    },
                    {"name": "two", "run": "local"},
                    {"run": "unnamed base"},
                    {"run": "unnamed main"},
                    {"name": "three", "run": "main"},
                ],
            },
            "pre-push": {
                "jobs": [{"name": "p", "run": {"linux": "a", "macos": "b"}, "retries": {"max": 2}}]
            },
        },
    }
    assert [job.name for job in config.hooks["worktree-post-create"].jobs] == [
        "one",
        "two",
        "worktree-post-create-3",
        "worktree-post-create-4",
        "three",
    ]
    assert [(source.path, source.local) for source in config.sources] == [
        ("base.yml", False),
        ("bough.yml", False),
        ("bough.local.yml", True),
    ]


def test_what_an_anchor_shares_is_changed_in_one_place_only() -> None:
    config = merged(
        {
            "bough.yml": """
hooks:
  post-commit:
    jobs:
      - {name: a, run: x, env: &shared {A: 1}}
      - {name: b, run: x, env: *shared}
""",
            "bough.local.yml": "hooks: {post-commit: {jobs: [{name: a, env: {A: 2}}]}}",
        }
    )
    assert [job.env for job in config.hooks["post-commit"].jobs] == [(("A", "2"),), (("A", "1"),)]


def test_extended_files_come_first_depth_first_and_once() -> None:
    config = merged(
        {
            "bough.yml": "extends: [a.yml, sub/b.yml]",
            "a.yml": "extends: c.yml\nlayout: nested",
            "sub/b.yml": "extends: [c.yml, ./a.yml]",
            "c.yml": "layout: sibling",
            "bough.local.yml": "extends: mine.yml",
            "mine.yml": "layout: contained",
        }
    )
    assert [(source.path, source.local) for source in config.sources] == [
        ("c.yml", False),
        ("a.yml", False),
        ("sub/b.yml", False),
        ("bough.yml", False),
        ("mine.yml", True),
        ("bough.local.yml", True),
    ]
    assert config.layout == "contained"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"bough.yml": "extends: a.yml"}, "bough.yml:1:10: `a.yml` does not exist"),
        (
            {"bough.yml": "extends: [a.yml]", "a.yml": "extends: bough.yml"},
            "a.yml:1:10: `extends` goes in a circle: bough.yml → a.yml → bough.yml",
        ),
        (
            {"bough.yml": "extends: bough.yml"},
            "bough.yml:1:10: `extends` goes in a circle: bough.yml → bough.yml",
        ),
        (
            {"bough.yml": "extends: bough.local.yml", "bough.local.yml": ""},
            "bough.yml:1:10: `bough.local.yml` is read by itself; do not extend it",
        ),
        (
            {"bough.yml": "extends: [x, ../y]"},
            "bough.yml:1:14: `../y` must not contain `..`: it must stay inside the worktree",
        ),
        (
            {"bough.yml": "extends: /etc/x"},
            "bough.yml:1:10: `/etc/x` must be relative to the worktree's root",
        ),
        (
            {f"{n or 'bough'}.yml": f"extends: {n + 1}.yml" for n in range(40)},
            "31.yml:1:10: more than 32 files",
        ),
    ],
)
def test_what_cannot_be_extended_is_told_where_it_is_asked_for(
    files: dict[str, str | bytes], said: str
) -> None:
    assert problems(files) == [said]


def test_an_extended_link_out_of_the_worktree_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (tmp_path / "outside.yml").write_text(JOB)
    (worktree / "link.yml").symlink_to("../outside.yml")
    (worktree / "bough.yml").write_text("extends:\n  - link.yml\n")
    with pytest.raises(ConfigError) as refused:
        load(FolderReader(str(worktree)))
    (problem,) = refused.value.problems
    assert str(problem).startswith("bough.yml:2:5: `link.yml` leads out of the worktree")


def test_problems_of_all_files_come_together_in_reading_order() -> None:
    files: dict[str, str | bytes] = {
        "bough.yml": "extends: [b.yml, a.yml]\nlayot: x\n",
        "a.yml": "hooks: {nope: {}}",
        "b.yml": "a: 'x",
        "bough.local.yml": "coordinator: 3",
    }
    assert [problem.split(":")[0] for problem in problems(files)] == [
        "bough.yml",
        "b.yml",
        "a.yml",
        "bough.local.yml",
    ]


def test_a_file_that_cannot_be_read_is_not_blamed_for_what_is_missing() -> None:
    files: dict[str, str | bytes] = {
        "bough.yml": "hooks: {post-commit: {jobs: [{name: a, needs: b, run: x}]}}",
        "bough.local.yml": "hooks: {post-commit: {jobs: [{name: b, run: 'x}]}}",
    }
    (problem,) = problems(files)
    assert problem.startswith("bough.local.yml:1:")


@pytest.mark.parametrize("version", ["0", "0.0.9", __version__, f"{__version__}.0"])
def test_a_bough_that_is_new_enough_is_content(version: str) -> None:
    assert loaded(f"min_version: {version}").merged == {}


@pytest.mark.parametrize("version", ["999", "999.9", f"'{__version__}.1'"])
def test_a_file_for_a_later_bough_says_so_and_nothing_else(version: str) -> None:
    (problem,) = problems({"bough.yml": f"unknown: 1\nmin_version: {version}\nfoo: 2"})
    plain = version.strip("'")
    assert problem == (
        f"bough.yml:2:14: this file needs bough {plain} or newer, and this is bough {__version__}; "
        "update it"
    )


def test_the_fingerprints_follow_bytes_names_and_parts() -> None:
    base: dict[str, str | bytes] = {
        "bough.yml": "extends: a.yml",
        "a.yml": "",
        "bough.local.yml": "",
    }
    config = merged(base)
    tracked, local = config.tracked_fingerprint, config.local_fingerprint
    assert len({tracked, local}) == 2
    assert len(tracked) == len(hashlib.sha256().hexdigest())
    assert merged(base).tracked_fingerprint == tracked
    changed = merged({**base, "a.yml": "#"})
    assert (changed.tracked_fingerprint != tracked, changed.local_fingerprint) == (True, local)
    mine = merged({**base, "bough.local.yml": "#"})
    assert (mine.tracked_fingerprint, mine.local_fingerprint != local) == (tracked, True)
    without = {path: data for path, data in base.items() if path != "bough.local.yml"}
    assert merged(without).tracked_fingerprint == tracked
    assert merged(without).local_fingerprint == ""


def test_a_fingerprint_knows_where_a_name_ends() -> None:
    def source(path: str, data: bytes) -> Source:
        return Source(path=path, data=data, local=False)

    assert fingerprint([source("ab", b"c")]) != fingerprint([source("a", b"bc")])
    assert fingerprint([source("a", b""), source("b", b"")]) != fingerprint(
        [source("b", b""), source("a", b"")]
    )
    assert source("a", b"x").sha256 == hashlib.sha256(b"x").hexdigest()


def test_the_merged_form_survives_json() -> None:
    config = loaded(JOB, bough__local__yml="tasks: {t: {run: y, skip: [true, merge, {ref: x}]}}")
    assert json.loads(json.dumps(config.merged)) == config.merged


def test_finding_and_planning_import_neither_yaml_nor_pydantic() -> None:
    code = (
        "import sys, bough.hooks.config.load, bough.hooks.config.readers, bough.hooks.plan, "
        "bough.hooks.config.build; print({'yaml', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"


def declared_names(config: Config) -> list[list[str]]:
    return [[job.name for job in hook.jobs] for hook in config.hooks.values()]


WORDS = st.sampled_from(
    [
        *("hooks", "tasks", "jobs", "run", "name", "needs", "env", "skip", "only", "when", "log"),
        *("pre-push", "worktree-post-create", "piped", "background", "retries", "timeout", "os"),
        *("layout", "extends", "coordinator", "max_parallel", "ref", "linux", "failure"),
        *("a", "b", "3", "5s", "true", "null", "", "~", "../x", "bough.yml", "{branch}", "{x}"),
    ]
)
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=200) | TREES.map(lambda tree: json.dumps(tree).encode()))
def test_any_bytes_load_or_are_a_config_error(data: bytes) -> None:
    try:
        config = load(Files({"bough.yml": data, "a.yml": data}))
    except ConfigError as refused:
        found, config = refused.problems, None
    else:
        found = ()
    assert (config is None) == bool(found)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)
    for names in declared_names(config) if config else ():
        assert len(set(names)) == len(names)
