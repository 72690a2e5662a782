"""The one matcher, against a table and against a slow reference that tries everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.globs import compile_glob, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("main", ["main"], ["Main", "main2", "x/main", ""]),
        ("*", ["a", ".a", "a\nb", ""], ["a/b"]),
        ("*.py", ["a.py", ".py"], ["a.pyc", "x/a.py"]),
        ("release/*", ["release/1"], ["release", "release/1/2"]),
        ("a?c", ["abc", "a?c"], ["ac", "a/c"]),
        ("**", ["a", "a/b/c"], []),
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["ba", "a/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a/**/b/**/c", ["a/b/c", "a/1/b/2/3/c"], ["a/c", "a/b"]),
        ("a**b", ["ab", "axb"], ["a/b"]),
        ("[abc]", ["a", "c"], ["d", ""]),
        ("[a-c]x", ["ax", "bx"], ["dx"]),
        ("[!a-c]", ["d"], ["b", "/", ""]),
        ("[^a]", ["b"], ["a", "/"]),
        ("[]]", ["]"], ["["]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[z-a]", [], ["a", "z", "m"]),
        ("[!z-a]", ["a"], [""]),
        ("[!]", ["[!]"], ["!"]),
        ("[a", ["[a"], ["a"]),
        ("[a/b]", ["[a/b]"], ["a", "b"]),
        ("{a,b}", ["a", "b"], ["c", "{a,b}"]),
        ("*.{ts,tsx}", ["x.ts", "x.tsx"], ["x.t"]),
        ("*.{ts}", ["x.ts"], ["x.{ts}"]),
        ("{a,b/c}/d", ["a/d", "b/c/d"], ["b/d"]),
        ("{a,{b,c}d}e", ["ae", "bde", "cde"], ["de"]),
        ("a{,b}", ["a", "ab"], ["b"]),
        ("{a,b", ["{a,b"], ["a"]),
        ("a}", ["a}"], ["a"]),
        (r"\*", ["*"], ["a"]),
        (r"\{a,b\}", ["{a,b}"], ["a"]),
        (r"{a\,b,c}", ["a,b", "c"], ["a"]),
        (r"a\/b", ["a/b"], [r"a\/b"]),
        ("a\\", ["a\\"], ["a"]),
        (r"[\]]x", [], ["]x"]),
        ("a.b", ["a.b"], ["axb"]),
        ("caf\udce9*", ["caf\udce9"], ["cafe"]),
        ("$(x)*", ["$(x)y"], ["x"]),
    ],
)
def test_a_pattern_matches_what_it_describes(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in yes if not matches(pattern, path)] == []
    assert [path for path in no if matches(pattern, path)] == []


def test_braces_that_stand_for_too_many_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 256 patterns"):
        matches("{a,b}" * 9, "a")
    with pytest.raises(ValueError, match="more than 16 deep"):
        matches("{" * 20 + "a" + "}" * 20, "a")


def test_a_pattern_is_compiled_once() -> None:
    assert compile_glob("once-*") is compile_glob("once-*")


def test_a_pattern_full_of_stars_is_settled_without_trying_everything() -> None:
    # Backtracking would not come back from this within the life of the universe.
    assert not matches("*a" * 60 + "b", "a" * 5000)
    assert not matches("**/a/" * 30 + "b", "a/" * 500 + "c")


def reference(pattern: str, path: str) -> bool:
    """The definition, by trying every possibility; for patterns of `a b / * ? **` alone."""

    def component(glob: str, name: str) -> bool:
        if not glob:
            return not name
        if glob[0] == "*":
            return component(glob[1:], name) or (bool(name) and component(glob, name[1:]))
        return bool(name) and glob[0] in ("?", name[0]) and component(glob[1:], name[1:])

    def row(globs: list[str], names: list[str]) -> bool:
        if not globs:
            return not names
        if globs == ["**"]:
            return bool(names)
        if globs[0] == "**":
            return row(globs[1:], names) or (bool(names) and row(globs, names[1:]))
        return bool(names) and component(globs[0], names[0]) and row(globs[1:], names[1:])

    return row(pattern.split("/"), path.split("/"))


@given(st.text("ab/*?", max_size=9), st.text("ab/", max_size=8))
def test_the_verdict_is_that_of_the_reference(pattern: str, path: str) -> None:
    assert matches(pattern, path) == reference(pattern, path)


@given(st.text("ab/*?[]!^-{},\\", max_size=12), st.text(max_size=8))
def test_any_pattern_can_be_asked_about_any_path(pattern: str, path: str) -> None:
    assert matches(pattern, path) in (True, False)


@given(st.text())
def test_an_escaped_text_matches_itself(text: str) -> None:
    escaped = "".join(char if char == "/" else f"\\{char}" for char in text)
    assert matches(escaped, text)
