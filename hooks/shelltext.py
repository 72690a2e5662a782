"""Where in a shell command a position stands: bare, in quotes, in a comment, or nowhere safe.

Pure: text and positions to contexts. A value that is put into a command is only inert if the quotes
around its place are known: `'$(x)'` is text when bare and a command between double quotes. Shells
differ (dash, bash 3 and 5 as `sh`), so this reads only what they agree on. From where they might
part ways, no position is safe, and `fault` says why: a refused template is a message, a wrong
guess would be somebody else's code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Quoting(StrEnum):
    """What surrounds a position; the value is the quote character itself."""

    BARE = ""
    SINGLE = "'"
    DOUBLE = '"'
    COMMENT = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The quoting at a position; with a `fault`, why nothing can be put there safely."""

    quoting: Quoting = Quoting.BARE
    fault: str = ""


_BREAKS_WORD = frozenset(" \t\n;&|()<>")
_IN_WORD = "x"
_SUB = "$("
_PAREN = "("
_DOUBLE = '"'
_AFTER_PID = ("$$(", "$${", "$$'", '$$"')
_ARITHMETIC = re.compile(r"\(\([^(){}'\"`\\]*\)\)")
_PARAMETER = re.compile(r"\$\{[^{}$'\"`\\]*\}")
"""Those that every shell reads alike: nothing in them is quoted, nested or executed."""


def contexts(command: str, positions: Iterable[int]) -> dict[int, Context]:
    """The context of each of `positions` (offsets into `command`)."""
    scan = _Scan(text=command, wanted=frozenset(positions))
    while scan.at < len(command) and not scan.lost:
        if scan.frames and scan.frames[-1] == _DOUBLE:
            _step_double(scan)
        else:
            _step_bare(scan)
    rest = Context(fault=scan.lost)
    return {position: scan.found.get(position, rest) for position in scan.wanted}


@dataclass(slots=True, kw_only=True)
class _Scan:
    text: str
    wanted: frozenset[int]
    at: int = 0
    before: str = "\n"
    """The last character as it counts for where a word begins: a continued line leaves it as it
    was, and what ends an escape or an expansion is a part of its word."""
    frames: list[str] = field(default_factory=list)
    found: dict[int, Context] = field(default_factory=dict)
    lost: str = ""

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, end: int, context: Context) -> None:
        """Go on to `end`; positions passed on the way have `context`."""
        end = min(end, len(self.text))
        for position in range(self.at, end):
            if position in self.wanted:
                self.found[position] = context
        self.before = self.text[end - 1]
        self.at = end

    def here(self) -> Context:
        """The context of a position that is reached by plain stepping."""
        double = bool(self.frames) and self.frames[-1] == _DOUBLE
        return Context(quoting=Quoting.DOUBLE if double else Quoting.BARE)


def _step_bare(scan: _Scan) -> None:
    char = scan.text[scan.at]
    if char == "'":
        end = scan.text.find("'", scan.at + 1)
        scan.take(end + 1 if end != -1 else len(scan.text), Context(quoting=Quoting.SINGLE))
    elif char == '"':
        scan.take(scan.at + 1, scan.here())
        scan.frames.append(_DOUBLE)
    elif char == "#" and scan.before in _BREAKS_WORD:
        _comment(scan)
    elif scan.peek("<<"):
        scan.lost = "a here-document begins before it"
    elif scan.peek("$'") or scan.peek('$"'):
        scan.lost = "shells disagree about the $'…' or $\"…\" before it"
    elif char in "()":
        _parenthesis(scan, char)
    elif _starts_case(scan):
        scan.lost = "it comes after a `case` inside $(…)"
    else:
        _step_common(scan)


def _step_double(scan: _Scan) -> None:
    if scan.text[scan.at] == '"':
        scan.frames.pop()
        scan.take(scan.at + 1, scan.here())
    else:
        _step_common(scan)


def _step_common(scan: _Scan) -> None:
    """What means the same bare and between double quotes."""
    char = scan.text[scan.at]
    if char == "\\":
        _backslash(scan)
    elif char == "`":
        scan.take(_backquote_end(scan), Context(fault="it stands in backquotes; write $(…)"))
    elif scan.text.startswith(_AFTER_PID, scan.at):
        scan.lost = "shells disagree about the $$ with a bracket or quote before it"
    elif scan.peek("${"):
        _simple(scan, _PARAMETER, scan.at, "a ${…}")
    elif scan.peek("$(("):
        _simple(scan, _ARITHMETIC, scan.at + 1, "arithmetic")
    elif scan.peek("$("):
        scan.take(scan.at + 2, scan.here())
        scan.frames.append(_SUB)
    else:
        scan.take(scan.at + 1, scan.here())


def _parenthesis(scan: _Scan, char: str) -> None:
    """Counted for the end of a `$(` alone: outside of one they need not come in pairs."""
    if scan.peek("(("):
        _simple(scan, _ARITHMETIC, scan.at, "arithmetic")
        return
    scan.take(scan.at + 1, scan.here())
    if char == "(":
        scan.frames.append(_PAREN)
    elif scan.frames and scan.frames.pop() == _SUB:
        scan.before = _IN_WORD


def _simple(scan: _Scan, form: re.Pattern[str], start: int, what: str) -> None:
    """Pass what has this form at `start`; anything else that begins like it ends the reading."""
    match = form.match(scan.text, start)
    if match:
        expanded = scan.peek("$")
        scan.take(match.end(), scan.here())
        scan.before = _IN_WORD if expanded else scan.before
    else:
        scan.lost = f"it stands in or after {what} that shells may read differently"


def _comment(scan: _Scan) -> None:
    if _SUB in scan.frames:
        scan.lost = "shells disagree about the comment inside $(…) before it"
        return
    end = scan.text.find("\n", scan.at)
    scan.take(end if end != -1 else len(scan.text), Context(quoting=Quoting.COMMENT))


def _starts_case(scan: _Scan) -> bool:
    """Whether a `case` begins here whose patterns' `)` would be taken for the end of a `$(`."""
    return _SUB in scan.frames and scan.before in _BREAKS_WORD and scan.peek("case")


def _backslash(scan: _Scan) -> None:
    if not scan.peek("\\\n"):
        scan.take(scan.at + 2, Context(fault="a backslash stands before it"))
        scan.before = _IN_WORD
    elif scan.before in "$<(" or (_SUB in scan.frames and scan.before not in _BREAKS_WORD):
        scan.lost = "a line before it is continued in the middle of a word"
    else:
        before = scan.before
        scan.take(scan.at + 2, scan.here())
        scan.before = before


def _backquote_end(scan: _Scan) -> int:
    position = scan.at + 1
    while position < len(scan.text) and scan.text[position] != "`":
        position += 2 if scan.text[position] == "\\" else 1
    return position + 1
