"""Asking for consent: everything that is not trusted yet is shown, and only a yes is a yes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bough.hooks import trust
from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from bough.hooks.trust import Part, Standing
from bough.worktree.cli.consenting import agreed, show

BOTH = Standing(untrusted=(Part.TRACKED, Part.LOCAL), previous="")
CONFIG = """\
hooks:
  pre-commit:
    env: {SHARED: "1"}
    jobs:
      - {name: lint, run: "one\\n\\ttwo", env: {BASH_ENV: "/evil\\nthing"}}
      - {name: per-system, run: {linux: ls, macos: dir}}
tasks:
  "odd\\e[0m": {run: "echo \\e[31m"}
"""
LOCAL = "tasks:\n  mine: {run: echo mine}\n"


def config(folder: Path, text: str = CONFIG, local: str = "") -> Config:
    (folder / "bough.yml").write_text(text)
    if local:
        (folder / "bough.local.yml").write_text(local)
    found = load(FolderReader(str(folder)))
    assert found is not None
    return found


def shown(capsys: pytest.CaptureFixture[str], found: Config, standing: Standing) -> str:
    show(found, standing)
    return capsys.readouterr().err


def test_at_first_every_command_and_variable_is_shown_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert shown(capsys, config(tmp_path), BOTH).splitlines() == [
        "bough.yml, not trusted so far:",
        "  pre-commit lint:",
        "      SHARED=1",
        "      BASH_ENV=/evil\\nthing",
        "      one",
        "      \ttwo",
        "  pre-commit per-system:",
        "      SHARED=1",
        "      ls",
        "  pre-commit per-system:",
        "      SHARED=1",
        "      dir",
        "  task:odd\\x1b[0m odd\\x1b[0m:",
        "      echo \\x1b[31m",
    ]


def test_later_the_difference_to_what_was_trusted_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = trust.content(config(tmp_path), Part.TRACKED)
    after = config(tmp_path, CONFIG.replace("dir}", "rd}"))
    told = shown(capsys, after, Standing(untrusted=(Part.TRACKED,), previous=before))
    assert told.startswith("bough.yml, changed since it was trusted:\n@@ ")
    assert "-      - {name: per-system, run: {linux: ls, macos: dir}}\n" in told
    assert "+      - {name: per-system, run: {linux: ls, macos: rd}}\n" in told
    assert "lint" not in told.replace("{name: lint", "", 1)


def test_a_local_file_is_shown_whole_beside_the_difference(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = trust.content(config(tmp_path), Part.TRACKED)
    found = config(tmp_path, f"# new\n{CONFIG}", LOCAL)
    lines = LOCAL.splitlines(keepends=True)
    local = "bough.local.yml, not trusted so far:\n" + "".join(f"      {line}" for line in lines)
    only_local = Standing(untrusted=(Part.LOCAL,), previous=before)
    assert shown(capsys, found, only_local) == local
    told = shown(capsys, found, Standing(untrusted=(Part.TRACKED, Part.LOCAL), previous=before))
    assert "+# new\n" in told
    assert told.endswith(local)


@pytest.mark.parametrize(
    ("typed", "consent"),
    [
        ("y\n", True),
        (" YES \n", True),
        ("\n", False),
        ("n\n", False),
        ("yep\n", False),
        ("", False),
    ],
)
def test_only_a_yes_is_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    consent: bool,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert agreed("Do it?") is consent
    asked = capsys.readouterr().err
    assert asked == ("Do it? [y/N] " if typed else "Do it? [y/N] \n")
