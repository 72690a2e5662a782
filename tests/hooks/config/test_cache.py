"""The compiled configuration: equal to the parsed one, and never believed over its sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bough
from bough.hooks.config.load import load
from bough.hooks.config.model import Config
from bough.hooks.config.readers import FolderReader
from tests.support.isolation import Sandbox

_MAIN = """\
extends: base.yml
layout: nested
hooks:
  worktree-post-create:
    piped: true
    env: {A: b}
    jobs:
      - {name: one, run: "echo {branch}", retries: 2, skip: [merge, {ref: "x/*", desc: no}]}
      - {name: two, run: {linux: a, macos: b}, needs: one, log: {max_size: 1MiB}}
tasks: {t: {run: echo}}
"""


def _write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text, encoding="utf-8")


def _load(root: Path) -> Config:
    config = load(FolderReader(str(root)))
    assert config is not None
    return config


def _entries(sandbox: Sandbox) -> list[Path]:
    return sorted((sandbox.state / "config-cache").glob("*.json"))


def test_a_recalled_configuration_equals_the_parsed_one(tmp_path: Path, sandbox: Sandbox) -> None:
    _write(tmp_path, "base.yml", "coordinator: {max_parallel: 3}\n")
    _write(tmp_path, "bough.yml", _MAIN)
    parsed = _load(tmp_path)
    assert len(_entries(sandbox)) == 1
    recalled = _load(tmp_path)
    assert recalled == parsed
    assert recalled.tracked_fingerprint == parsed.tracked_fingerprint


def test_a_changed_file_is_seen_wherever_it_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "base.yml", "coordinator: {max_parallel: 3}\n")
    _write(tmp_path, "bough.yml", _MAIN)
    _load(tmp_path)
    _write(tmp_path, "base.yml", "coordinator: {max_parallel: 4}\n")
    assert _load(tmp_path).coordinator.max_parallel == 4
    _write(tmp_path, "bough.yml", _MAIN.replace("nested", "sibling"))
    assert _load(tmp_path).layout == "sibling"
    _write(tmp_path, "bough.local.yml", "layout: contained\n")
    assert _load(tmp_path).layout == "contained"


def test_a_damaged_entry_is_parsed_over(tmp_path: Path, sandbox: Sandbox) -> None:
    _write(tmp_path, "bough.yml", "layout: nested\n")
    _load(tmp_path)
    entry = _entries(sandbox)[0]
    for damage in ("", "{", "[]", '{"sources": [["bough.yml", "0", false, false]], "merged": {}}'):
        entry.write_text(damage, encoding="utf-8")
        assert _load(tmp_path).layout == "nested"
    assert json.loads(entry.read_text())["merged"] == {"layout": "nested"}


def test_a_warm_load_needs_neither_yaml_nor_the_schema(tmp_path: Path) -> None:
    _write(tmp_path, "bough.yml", "layout: nested\n")
    _load(tmp_path)
    script = (
        "import sys; from bough.hooks.config.load import load\n"
        "from bough.hooks.config.readers import FolderReader\n"
        "assert load(FolderReader(sys.argv[1])).layout == 'nested'\n"
        "print(sorted({'yaml', 'pydantic'} & set(sys.modules)))\n"
    )
    root = os.path.dirname(bough.__path__[0])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == "[]\n"
