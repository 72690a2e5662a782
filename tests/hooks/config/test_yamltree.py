"""YAML bytes to a tree: strict, bounded, with positions; with both of PyYAML's parsers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.config import yamltree
from bough.hooks.config.nodes import KEY, Mapping, Node, Scalar, place, to_plain
from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError

LOADERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])


@pytest.fixture(params=LOADERS, autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with the C parser and with the pure one."""
    monkeypatch.setattr(yamltree, "LOADER", request.param)


def values(node: object) -> Any:
    """Plain data with the scalars' own values."""
    if isinstance(node, dict):
        return {key: values(value) for key, value in node.items()}
    if isinstance(node, list):
        return [values(item) for item in node]
    return node.value if isinstance(node, Scalar) else node


def root(text: str | bytes) -> Node:
    document = yamltree.parse("f.yml", text if isinstance(text, bytes) else text.encode())
    assert document.problems == ()
    assert document.root is not None
    return document.root


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("on", "on"),
        ("No", "No"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("+0", 0),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("9" * 30, "9" * 30),
        ("1.50", 1.5),
        ("1e3", "1e3"),
        ("1.0e3", 1000.0),
        (".inf", ".inf"),
        ("2020-01-02", "2020-01-02"),
        ("=", "="),
        ("'true'", "true"),
        ('"12"', "12"),
        ("'~'", "~"),
    ],
)
def test_a_scalar_means_what_it_looks_like(text: str, value: object) -> None:
    parsed = values(to_plain(root(f"k: {text}")))["k"]
    assert (type(parsed), parsed) == (type(value), value)


def test_a_number_keeps_its_spelling() -> None:
    node = root("v: 1.10")
    assert isinstance(node, Mapping)
    _, scalar = node.entries["v"]
    assert isinstance(scalar, Scalar)
    assert (scalar.text, scalar.value) == ("1.10", 1.1)


def test_collections_nest_and_keys_are_text() -> None:
    text = "a: [x, {b: y}]\n1: one\ntrue: t\nnull: n\n"
    assert values(to_plain(root(text))) == {
        "a": ["x", {"b": "y"}],
        "1": "one",
        "true": "t",
        "null": "n",
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~"])
def test_an_empty_document_has_no_tree(text: str) -> None:
    assert yamltree.parse("f.yml", text.encode()).root is None


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter() -> None:
    node = root(b"\xef\xbb\xbfa: x\r\nb: y\r\n")
    assert values(to_plain(node)) == {"a": "x", "b": "y"}
    assert place(node, ("b",)) == (2, 4)


def test_aliases_and_merge_keys_are_expanded() -> None:
    text = """
base: &base {run: x, tags: [a]}
more: &more {run: y, root: r}
one: {<<: *base, run: z}
two: {<<: [*base, *more]}
three: *base
four: {"<<": text}
"""
    plain = values(to_plain(root(text)))
    assert plain["one"] == {"run": "z", "tags": ["a"]}
    assert plain["two"] == {"run": "x", "tags": ["a"], "root": "r"}
    assert plain["three"] == {"run": "x", "tags": ["a"]}
    assert plain["four"] == {"<<": "text"}


def test_every_node_knows_its_place() -> None:
    node = root("hooks:\n  e:\n    jobs:\n      - name: a\n        run: [x,  y]\n")
    assert place(node, ()) == (1, 1)
    assert place(node, ("hooks", "e", KEY)) == (2, 3)
    assert place(node, ("hooks", "e", "jobs", 0, "run")) == (5, 14)
    assert place(node, ("hooks", "e", "jobs", 0, "run", KEY)) == (5, 9)
    assert place(node, ("hooks", "e", "jobs", 0, "run", 1)) == (5, 19)
    assert place(node, ("hooks", "e", "(tag)", "jobs", 0, "missing")) == (4, 9)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "`a` is here twice; the first is at line 1, column 1"),
        ("x: {a: 1, a: 2}", (1, 11), "`a` is here twice; the first is at line 1, column 5"),
        ("a: !!python/object:os.system x", (1, 4), "tags are not used here"),
        ("a: !x [b]", (1, 4), "tags are not used here: `!x`"),
        ("a: !!str 1", (1, 4), "tags are not used here"),
        ('a: "x\\0y"', (1, 4), "a NUL character"),
        ("? [a]\n: b", (1, 3), "a key must be plain text"),
        ("a: {<<: 1}", (1, 9), "`<<` takes a mapping"),
    ],
)
def test_what_does_not_stop_the_parser_is_collected(
    text: str, where: tuple[int, int], says: str
) -> None:
    (problem,) = yamltree.parse("f.yml", text.encode()).problems
    assert (problem.path, problem.line, problem.column) == ("f.yml", *where)
    assert says in problem.message


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (b"a: \xff", (1, 4), "not UTF-8: the byte 0xff"),
        ("a: b\nü: \x07".encode(), (2, 4), r"a control character: \x07"),
        (b"a: \x00", (1, 4), "a control character"),
        ("a: x\ufeff".encode(), (1, 5), "a control character"),
        ("a: b".encode("utf-16"), (1, 1), "not UTF-8"),
        (b"a:\n\t- b", (2, 1), "indent with spaces, not with tabs"),
        (b"a: 'x", (1, 6), "not valid YAML"),
        (b"a: b: c", (1, 5), "mapping values are not allowed"),
        (b"---\na: 1\n---\nb: 2", (3, 1), "a second document"),
        (b"a: &x [*x]", (1, 8), "`*x` stands inside what it refers to"),
        (b"a: &x 1\nb: &x {c: *x}", (2, 11), "`*x` stands inside what it refers to"),
        (b"a: *x", (1, 4), "`*x` refers to no anchor before it"),
        (b'a: "\\UFFFFFFFF"', None, "not valid YAML"),
        (b"[" * 100_000, (1, 51), "nested more than 50 deep"),
        (b"{a: " * 100_000, None, "nested more than 50 deep"),
        (b"- " * 1_000, (1, 101), "nested more than 50 deep"),
        (b"x: &x " + b"[" * 30 + b"]" * 30 + b"\ny: " + b"[" * 25 + b"*x", None, "50 deep"),
        (bomb(10).encode(), (6, 53), "more than 20000 values"),
        (b"- a\n" * 20_001, (20_001, 3), "more than 20000 values"),
        (b"#" * (MAX_FILE_BYTES + 1), (1, 1), "larger than 1024 KiB"),
    ],
)
def test_what_stops_the_parser_is_an_error_with_its_place(
    text: bytes, where: tuple[int, int] | None, says: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        yamltree.parse("f.yml", text)
    (problem,) = refused.value.problems
    assert says in problem.message
    assert problem.path == "f.yml"
    assert where in (None, (problem.line, problem.column))


def test_half_a_surrogate_pair_is_refused_by_either_parser() -> None:
    try:
        found = yamltree.parse("f.yml", b'a: "\\ud800"').problems
    except ConfigError as refused:
        found = refused.problems
    assert len(found) == 1


def test_depth_is_counted_through_aliases_up_to_the_limit() -> None:
    fits = b"x: &x " + b"[" * 20 + b"]" * 20 + b"\ny: " + b"[" * 28 + b"*x" + b"]" * 28
    assert yamltree.parse("f.yml", fits).problems == ()


SCRAPS = st.lists(
    st.sampled_from(
        [
            *"abk:-?[]{},&*!|>'\"%@`#~\n\r\t ",
            "&a ",
            "*a",
            "<<: ",
            "!!x ",
            "---\n",
            "\n  ",
            "\\",
            "é",
        ]
    )
).map(lambda parts: "".join(parts).encode())


@given(st.binary() | SCRAPS)
def test_any_bytes_are_a_tree_or_a_config_error(data: bytes) -> None:
    try:
        document = yamltree.parse("f.yml", data)
    except ConfigError as refused:
        found, size = refused.problems, 0
    else:
        found, size = document.problems, document.root.size if document.root else 0
    assert size <= yamltree.MAX_NODES
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)
