"""How modules look: their size, who prints, who waits, and why a rule is switched off."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.house.source import ROOT, Module, everything, package

MAX_LINES = 400
WAITING = "tests/support/waiting.py"
_SUPPRESSION = re.compile(
    r"#\s*(?P<kind>noqa|type:\s*ignore)\b(?P<codes>:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[^]]+\])?"
)
_REASON = re.compile(r"[A-Za-z]{4,}")

Rule = Callable[[Module], list[str]]


def too_long(module: Module) -> list[str]:
    lines = module.text.count("\n")
    return [f"{module.path}: {lines} lines"] if lines > MAX_LINES else []


def prints(module: Module) -> list[str]:
    """Only `worktree.cli` talks to people."""
    if module.name.startswith("bough.worktree.cli"):
        return []
    return [
        module.at(node, "print()")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def sleeps(module: Module) -> list[str]:
    """Tests wait by `wait_until` alone."""
    if not module.path.startswith("tests/") or module.path == WAITING:
        return []
    return [
        module.at(node, "time.sleep")
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "time"
            and any(alias.name == "sleep" for alias in node.names)
        )
    ]


def unexplained(module: Module) -> list[str]:
    """A `noqa` or `type: ignore` names its codes and says why."""
    return [
        f"{module.path}:{number}: {problem}"
        for number, line in enumerate(module.text.splitlines(), 1)
        for problem in _unexplained(line)
    ]


def _unexplained(line: str) -> Iterator[str]:
    for match in _SUPPRESSION.finditer(line):
        rest = _SUPPRESSION.sub("", line[match.end() :])
        if not match["codes"]:
            yield f"{match['kind']} without codes"
        elif not _REASON.search(rest):
            yield f"{match['kind']} without a reason"


RULES: tuple[Rule, ...] = (too_long, prints, sleeps, unexplained)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_is_kept(rule: Rule) -> None:
    modules = package() if rule is prints else everything()
    problems = [problem for module in modules for problem in rule(module)]
    assert not problems, "\n".join(problems)


# Written in two parts, so that this very file does not break the rules that it tests.
NOQA = "# no" + "qa"
IGNORE = "# type: " + "ignore"


@pytest.mark.parametrize(
    ("rule", "path", "text", "found"),
    [
        (too_long, "hooks/a.py", "x = 1\n" * 401, ["hooks/a.py: 401 lines"]),
        (too_long, "hooks/a.py", "x = 1\n" * 400, []),
        (prints, "hooks/a.py", "\nprint('x')\n", ["hooks/a.py:2: print()"]),
        (prints, "worktree/cli/a.py", "print('x')\n", []),
        (prints, "hooks/a.py", "'print()'\nlog.print()\n", []),
        (sleeps, "tests/a.py", "time.sleep(1)\n", ["tests/a.py:1: time.sleep"]),
        (sleeps, "tests/a.py", "from time import sleep\n", ["tests/a.py:1: time.sleep"]),
        (sleeps, "tests/a.py", "SCRIPT = 'time.sleep(1)'\n", []),
        (sleeps, "hooks/a.py", "time.sleep(1)\n", []),
        (unexplained, "a.py", f"x = 1  {NOQA}\n", ["a.py:1: noqa without codes"]),
        (unexplained, "a.py", f"x = 1  {NOQA}: S101\n", ["a.py:1: noqa without a reason"]),
        (unexplained, "a.py", f"x = 1  {NOQA}: S101, E501\n", ["a.py:1: noqa without a reason"]),
        (unexplained, "a.py", f"x = 1  {NOQA}: S101 - pytest asserts\n", []),
        (unexplained, "a.py", f"x = 1  {NOQA}: S101  a real reason\n", []),
        (unexplained, "a.py", f"x = 1  {IGNORE}\n", ["a.py:1: type: ignore without codes"]),
        (unexplained, "a.py", f"x = 1  {IGNORE}[arg]\n", ["a.py:1: type: ignore without a reason"]),
        (unexplained, "a.py", f"x = 1  {IGNORE}[arg]  {NOQA}: S101  both for tests\n", []),
        (unexplained, "a.py", f"x = 1  {IGNORE}[arg]  # psutil has no types\n", []),
    ],
)
def test_a_violation_is_found_and_its_neighbour_is_not(
    rule: Rule, path: str, text: str, found: list[str]
) -> None:
    assert rule(Module(path, text)) == found


def unexplained_ignores(pyproject: str) -> list[str]:
    """Entries of ruff's ignore lists without a comment; one comment serves a family of codes."""
    problems = []
    inside = False
    family = ""
    for number, line in enumerate(pyproject.splitlines(), 1):
        entry = re.match(r'\s*"([A-Z]+)\d*",?\s*(#.*\w)?', line)
        if re.match(r"(ignore|extend-ignore|\"[^\"]+\")\s*=\s*\[", line):
            inside, family = True, ""
        elif line.startswith("]"):
            inside = False
        elif inside and entry:
            if entry[2]:
                family = entry[1]
            elif entry[1] != family:
                problems.append(f"pyproject.toml:{number}: {line.strip()} without a reason")
    return problems


def test_every_ignored_lint_rule_has_its_reason() -> None:
    assert unexplained_ignores((ROOT / "pyproject.toml").read_text(encoding="utf-8")) == []


def test_an_ignored_lint_rule_without_a_reason_is_found() -> None:
    planted = 'ignore = [\n    "S101",  # asserts\n    "S102",\n    "B001",\n]\nselect = ["A"]\n'
    assert unexplained_ignores(planted) == ['pyproject.toml:4: "B001", without a reason']
