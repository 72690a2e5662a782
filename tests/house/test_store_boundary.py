"""SQL and connections stand in `coordinator.store` alone; no value is ever formatted into SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.house.source import Module, package

_SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\b.+\bSET\b|\bDELETE\s+FROM\b",
    re.DOTALL,
)
_PART_OF_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|VALUES|SET|LIMIT)\b")
_EXECUTES = frozenset({"execute", "executemany", "executescript"})

Rule = Callable[[Module], list[str]]


def _in_store(module: Module) -> bool:
    return f"{module.name}.".startswith("bough.coordinator.store.")


def connects(module: Module) -> list[str]:
    if _in_store(module):
        return []
    names = {"sqlite3.connect", "_sqlite3.connect"}
    found = [
        module.at(node, ast.unparse(node))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in names
    ]
    found += [
        module.at(node, f"from {node.module} import connect")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in {"sqlite3", "_sqlite3"}
        and any(alias.name == "connect" for alias in node.names)
    ]
    return found


def speaks_sql(module: Module) -> list[str]:
    if _in_store(module):
        return []
    documentation = _docstrings(module)
    return [
        module.at(node, what)
        for node in ast.walk(module.tree)
        if node not in documentation
        for what in _sql_in(node)
    ]


def _sql_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
        yield "SQL"
    if isinstance(node, ast.Call) and _name(node.func) in _EXECUTES:
        yield f"{_name(node.func)}()"


def formats_sql(module: Module) -> list[str]:
    """Neither f-string, `%` nor `format`; `+` only between constants, which are in capitals."""
    return [module.at(node, what) for node in ast.walk(module.tree) for what in _formatted_in(node)]


def _formatted_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr) and _has_sql(node):
        yield "SQL in an f-string"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _has_sql(node.left):
        yield "SQL with %"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = (node.left, node.right)
        if any(map(_has_sql, parts)) and not all(map(_is_constant, parts)):
            yield "SQL with +"
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "format_map", "replace"}
        and _has_sql(node.func.value)
    ):
        yield f"SQL with {node.func.attr}()"


def _has_sql(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and _PART_OF_SQL.search(part.value)
        for part in ast.walk(node)
    )


def _is_constant(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant) or _name(node).isupper()


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _docstrings(module: Module) -> set[ast.AST]:
    """Strings that stand as a statement: what people read, not what is executed."""
    return {
        node.value
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


RULES: tuple[Rule, ...] = (connects, speaks_sql, formats_sql)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_boundary_is_kept(rule: Rule) -> None:
    problems = [problem for module in package() for problem in rule(module)]
    assert not problems, "\n".join(problems)


STORE = "coordinator/store/a.py"


@pytest.mark.parametrize(
    ("rule", "path", "text", "found"),
    [
        (connects, "hooks/a.py", "c = sqlite3.connect(p)", ["sqlite3.connect"]),
        (connects, "hooks/a.py", "c = _sqlite3.connect(p)", ["_sqlite3.connect"]),
        (
            connects,
            "hooks/a.py",
            "from sqlite3 import connect",
            ["from sqlite3 import connect"],
        ),
        (connects, STORE, "c = sqlite3.connect(p)", []),
        (connects, "hooks/a.py", "c = socket.connect(p)", []),
        (speaks_sql, "hooks/a.py", "x = 'SELECT a FROM b'", ["SQL"]),
        (speaks_sql, "hooks/a.py", "x = 'INSERT OR IGNORE INTO b'", ["SQL"]),
        (speaks_sql, "hooks/a.py", "x = 'UPDATE a\\nSET b = 1'", ["SQL"]),
        (speaks_sql, "hooks/a.py", "x = f'DELETE FROM {a}'", ["SQL"]),
        (speaks_sql, "hooks/a.py", "c.execute(x)", ["execute()"]),
        (speaks_sql, "hooks/a.py", "'''Says SELECT a FROM b.'''", []),
        (speaks_sql, "hooks/a.py", "x = 'select one from the list'", []),
        (speaks_sql, STORE, "c.execute('SELECT a FROM b')", []),
        (speaks_sql, "coordinator/storehouse.py", "c.execute(x)", ["execute()"]),
        (formats_sql, STORE, "x = f'SELECT a FROM b WHERE c = {d}'", ["SQL in an f-string"]),
        (formats_sql, STORE, "x = 'SELECT a FROM %s' % b", ["SQL with %"]),
        (formats_sql, STORE, "x = 'SELECT a FROM {}'.format(b)", ["SQL with format()"]),
        (formats_sql, STORE, "x = 'SELECT a FROM b WHERE c = ' + d", ["SQL with +"]),
        (formats_sql, STORE, "x = 'SELECT' + COLUMNS + ' FROM a'", []),
        (formats_sql, STORE, "x = f'PRAGMA user_version = {n}'", []),
    ],
)
def test_a_violation_is_found_and_its_neighbour_is_not(
    rule: Rule, path: str, text: str, found: list[str]
) -> None:
    assert rule(Module(path, text)) == [f"{path}:1: {what}" for what in found]
