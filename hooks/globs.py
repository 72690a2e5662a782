r"""The one matcher for globs: `**` any depth, `*` and `?` within one component, `[…]`, braces.

Pure: text to a compiled pattern to a verdict. A pattern matches the whole path, `/` separates.

- `**` as a whole component stands for any number of components, none included; at the end it stands
  for at least one, so that `src/**` is what lies in `src`, not `src` itself. Inside a component it
  is a `*`.
- `[a-z]` is one character of a set, `[!a-z]` or `[^a-z]` one outside it, never a `/`.
- `{a,b/c}` stands for each of its alternatives, nested ones too.
- `\` takes the next character as it is, but for `/`, which always separates. A
  bracket or brace without its partner is itself.

Matching takes time in proportion to pattern times path: no pattern makes a name expensive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MOST_ALTERNATIVES = 256
_DEEPEST_BRACES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Glob:
    """A compiled pattern: alternatives, each a row of components, where None is a `**`."""

    alternatives: tuple[tuple[re.Pattern[str] | None, ...], ...]

    def matches(self, path: str) -> bool:
        """Whether the whole of `path` is what the pattern describes."""
        parts = path.split("/")
        return any(_match(row, parts) for row in self.alternatives)


@lru_cache(maxsize=512)
def compile_glob(pattern: str) -> Glob:
    """The compiled form of `pattern`; ValueError if its braces stand for too many patterns."""
    rows: list[tuple[re.Pattern[str] | None, ...]] = []
    for alternative in dict.fromkeys(_expand(pattern, depth=0)):
        components = _split(alternative)
        if components[-1] == "**":
            components.append("*")
        rows.append(tuple(None if c == "**" else _component(c) for c in components))
    return Glob(alternatives=tuple(rows))


def matches(pattern: str, path: str) -> bool:
    """Whether `path` as a whole matches `pattern`; ValueError as for `compile_glob`."""
    return compile_glob(pattern).matches(path)


def _match(row: tuple[re.Pattern[str] | None, ...], parts: list[str]) -> bool:
    """Keep the set of lengths of `parts` that the components so far can account for."""
    reached = {0}
    for component in row:
        if component is None:
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and component.fullmatch(parts[n])}
        if not reached:
            return False
    return len(parts) in reached


def _expand(pattern: str, *, depth: int) -> list[str]:
    """The patterns without braces that `pattern` stands for."""
    if depth > _DEEPEST_BRACES:
        raise ValueError(f"braces are nested more than {_DEEPEST_BRACES} deep")
    results = [""]
    position = 0
    while position < len(pattern):
        end = _closing(pattern, position) if pattern[position] == "{" else None
        if end is None:
            width = 2 if pattern[position] == "\\" else 1
            pieces = [pattern[position : position + width]]
            position += width
        else:
            choices = _choices(pattern[position + 1 : end])
            pieces = [piece for choice in choices for piece in _expand(choice, depth=depth + 1)]
            position = end + 1
        if len(results) * len(pieces) > _MOST_ALTERNATIVES:
            raise ValueError(f"the braces stand for more than {_MOST_ALTERNATIVES} patterns")
        results = [head + piece for head in results for piece in pieces]
    return results


def _closing(pattern: str, start: int) -> int | None:
    """Where the brace that opens at `start` closes."""
    level = 0
    position = start
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 1
        elif char == "{":
            level += 1
        elif char == "}":
            level -= 1
            if level == 0:
                return position
        position += 1
    return None


def _choices(body: str) -> list[str]:
    """`body` split at the commas that stand in no deeper braces."""
    return _split(body, separator=",", opening="{", closing="}")


def _split(text: str, separator: str = "/", opening: str = "", closing: str = "") -> list[str]:
    """`text` split at each separator that is neither escaped nor between opening and closing."""
    parts = [""]
    level = 0
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and text[position + 1 : position + 2] != "/":
            parts[-1] += text[position : position + 2]
            position += 2
            continue
        if char == "\\":  # a slash separates, escaped or not
            position += 1
            char = "/"
        if char == separator and level == 0:
            parts.append("")
        else:
            level += (char == opening) - (char == closing)
            parts[-1] += char
        position += 1
    return parts


def _component(glob: str) -> re.Pattern[str]:
    """One component as an expression.

    Each `*` becomes an atomic group that takes the shortest run up to the next piece of fixed
    text: an earlier fit never excludes a later one, so nothing is ever tried twice.
    """
    fixed = [""]
    position = 0
    while position < len(glob):
        char = glob[position]
        if char == "*":
            fixed.append("")
            position += 1
            continue
        text, position = _one(glob, position)
        fixed[-1] += text
    head, *middle = fixed
    if not middle:
        return re.compile(f"(?s:{head})")
    *inner, tail = middle
    runs = "".join(f"(?>.*?{piece})" for piece in inner if piece)
    return re.compile(f"(?s:{head}{runs}.*{tail})")


def _one(glob: str, position: int) -> tuple[str, int]:
    """The expression for what matches one character at `position`, and where the next begins."""
    char = glob[position]
    if char == "?":
        return ".", position + 1
    if char == "\\" and position + 1 < len(glob):
        return re.escape(glob[position + 1]), position + 2
    if char == "[":
        end = _set_end(glob, position)
        if end is not None:
            return _set(glob[position + 1 : end]), end + 1
    return re.escape(char), position + 1


def _set_end(glob: str, start: int) -> int | None:
    """Where the set that opens at `start` closes; a `]` that comes first is a member."""
    first = start + 1
    if glob[first : first + 1] in ("!", "^"):
        first += 1
    end = glob.find("]", first + 1)
    return end if end != -1 else None


def _set(body: str) -> str:
    """A set of characters as an expression; ranges that run backwards are empty."""
    negated = body[0] in "!^" and len(body) > 1
    members = body[1:] if negated else body
    pieces: list[str] = []
    position = 0
    while position < len(members):
        low = members[position]
        if members[position + 1 : position + 2] == "-" and position + 2 < len(members):
            high = members[position + 2]
            if low <= high:
                pieces.append(f"{re.escape(low)}-{re.escape(high)}")
            position += 3
        else:
            pieces.append(re.escape(low))
            position += 1
    if not pieces:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(pieces)}]"
