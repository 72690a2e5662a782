"""Every declared dependency is imported by the package, and nothing else from outside is."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable

from tests.house.source import ROOT, Module, imported, package

IMPORT_NAMES = {"gitpython": "git", "pyyaml": "yaml"}
"""Where a distribution's module is not called as the distribution is."""
SECOND_NAMES = {"pydantic_core": "pydantic"}
"""Modules that a distribution brings in its own exact version, and documents for import."""


def from_outside(modules: Iterable[Module]) -> set[str]:
    """The top-level modules that are neither ours nor Python's own."""
    ours = {"bough", "__future__", *sys.stdlib_module_names}
    names = {name.partition(".")[0] for module in modules for _, name in imported(module)}
    return {SECOND_NAMES.get(name, name) for name in names - ours}


def declared() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = set()
    for requirement in config["project"]["dependencies"]:
        match = re.match(r"[\w.-]+", requirement)
        assert match is not None
        name = match[0].lower()
        found.add(IMPORT_NAMES.get(name, name.replace("-", "_")))
    return found


def test_what_is_declared_is_what_is_imported() -> None:
    used = from_outside(package())
    assert declared() - used == set(), "declared, but never imported"
    assert used - declared() == set(), "imported, but not declared"


def test_imports_are_found_wherever_they_stand() -> None:
    text = "import os\nfrom yaml.nodes import Node\ndef f():\n    import psutil._common\n"
    assert from_outside([Module("hooks/a.py", text)]) == {"yaml", "psutil"}
