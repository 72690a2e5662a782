"""Scripts and `rc`: sources like the files that are parsed, with the very bytes that jobs run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from bough.hooks.config.reading import MOST_EXECUTED
from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError
from tests.hooks.planning import Files, loaded

MAIN = "hooks: {post-commit: {jobs: [{name: a, script: a.sh}, {name: b, run: x}]}}"


def sources(config: Config) -> list[tuple[str, bool, bool]]:
    return [(source.path, source.local, source.executed) for source in config.sources]


def test_what_is_run_is_a_source() -> None:
    config = loaded(f"rc: env.sh\n{MAIN}", a__sh="one", env__sh="two")
    assert sources(config) == [
        ("bough.yml", False, False),
        ("env.sh", False, True),
        ("a.sh", False, True),
    ]
    first, second = config.hooks["post-commit"].jobs
    assert first.script is not None
    assert (first.script.data, first.rc, second.rc) == (b"one", b"two", b"two")
    assert config.main_file == "bough.yml"


def test_a_changed_byte_of_a_script_or_of_rc_changes_the_fingerprint() -> None:
    def prints(script: str, rc: str) -> tuple[str, str]:
        config = loaded(f"rc: env.sh\n{MAIN}", a__sh=script, env__sh=rc)
        return config.tracked_fingerprint, config.local_fingerprint

    assert prints("one", "two") == prints("one", "two")
    assert len({prints("one", "two"), prints("One", "two"), prints("one", "Two")}) == 3
    assert prints("one", "two")[1] == ""


def test_what_only_the_local_file_names_is_local() -> None:
    local = "rc: l.sh\ntasks: {t: {script: mine.sh}, u: {script: a.sh}}"
    files = {"bough.local.yml": local, "a.sh": "1", "mine.sh": "2", "l.sh": "3"}
    config = load(Files({"bough.yml": MAIN, **files}))
    assert config is not None
    assert sources(config)[2:] == [
        ("l.sh", True, True),
        ("a.sh", False, True),
        ("mine.sh", True, True),
    ]


def test_a_later_file_can_run_something_else_instead() -> None:
    main = "tasks: {t: {script: a.sh, runner: sh, args: [x]}, u: {run: y}, v: {run: z}}"
    local = "tasks: {t: {run: y}, u: {script: a.sh}, v: {group: {jobs: [{run: w}]}}}"
    config = loaded(main, bough__local__yml=local, a__sh="")
    t, u, v = (config.tasks[name].jobs[0] for name in "tuv")
    assert (t.script, dict(t.run)["linux"]) == (None, "y")
    assert (u.run, u.script is not None) == ((), True)
    assert dict(v.run)["linux"] == "w"


def problems(main: str, **files: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(Files({"bough.yml": main, **files}))
    return [str(problem) for problem in refused.value.problems]


def test_a_script_that_is_too_large_is_refused() -> None:
    assert problems("tasks: {t: {script: big}}", big=b"x" * (MAX_FILE_BYTES + 1)) == [
        "bough.yml:1:21: `big` is larger than 1024 KiB"
    ]


def test_the_number_of_scripts_is_bounded() -> None:
    count = MOST_EXECUTED + 1
    text = "tasks: {" + ", ".join(f"t{n}: {{script: s{n}}}" for n in range(count)) + "}"
    (problem,) = problems(text, **{f"s{n}": "" for n in range(count)})
    assert problem.endswith(f"more than {MOST_EXECUTED} scripts")


def test_a_script_that_links_lead_out_of_the_worktree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.sh").write_text("echo")
    root = tmp_path / "root"
    root.mkdir()
    (root / "inside.sh").write_text("echo")
    (root / "bough.yml").write_text("tasks: {t: {script: link.sh}}")
    os.symlink("inside.sh", root / "link.sh")
    config = load(FolderReader(str(root)))
    assert config is not None
    os.unlink(root / "link.sh")
    os.symlink("../outside.sh", root / "link.sh")
    with pytest.raises(ConfigError) as refused:
        load(FolderReader(str(root)))
    assert "leads out of the worktree" in refused.value.message


def test_a_remembered_configuration_sees_a_changed_script(tmp_path: Path) -> None:
    (tmp_path / "bough.yml").write_text(f"rc: a.sh\n{MAIN}")
    (tmp_path / "a.sh").write_text("one")

    def script() -> bytes:
        config = load(FolderReader(str(tmp_path)))
        assert config is not None
        job = config.hooks["post-commit"].jobs[0]
        assert job.script is not None
        assert job.rc == job.script.data
        return job.script.data

    assert (script(), script()) == (b"one", b"one")
    (tmp_path / "a.sh").write_text("two")
    assert script() == b"two"
