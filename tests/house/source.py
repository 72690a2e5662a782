"""The project's own source as the rules see it: files, module names, syntax trees.

A rule is a function from one `Module` to the places that break it, so that a test can show it both
the real tree and a planted violation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE_FOLDERS = ("coordinator", "hooks", "worktree")
ALL_FOLDERS = (*PACKAGE_FOLDERS, "tests", "scenarios", "bench")


@dataclass(frozen=True)
class Module:
    """One Python file: `path` relative to the root, and its text."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The dotted name, `bough.` first for the package's own modules."""
        parts = Path(self.path).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        return ".".join(("bough", *parts) if parts[0] in PACKAGE_FOLDERS else parts)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def at(self, node: ast.AST, what: str) -> str:
        """`path:line: what`."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def says(module: Module, word: str) -> bool:
    """Whether a paragraph of the module's docstring begins with `word` and a colon."""
    paragraphs = re.split(r"\n\s*\n", module.docstring)
    return any(paragraph.startswith(f"{word}:") for paragraph in paragraphs)


def package() -> list[Module]:
    """Every module of bough."""
    return list(_modules(PACKAGE_FOLDERS))


def everything() -> list[Module]:
    """Every module of the repository, tests included."""
    return list(_modules(ALL_FOLDERS))


def _modules(folders: tuple[str, ...]) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every import statement of a module, wherever it stands, with the full name it asks for."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node, node.module or ""
