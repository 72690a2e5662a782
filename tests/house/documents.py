"""What the documents promise, taken out of them: fenced blocks, command lines, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.house.source import ROOT

SHELL_BLOCKS = frozenset({"sh", "bash", "console", "shell"})
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)\s*(.*?)\s*$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: the words behind its fence, the line it begins on, what it holds."""

    info: tuple[str, ...]
    line: int
    body: str

    @property
    def is_config(self) -> bool:
        """Whether it is a whole `bough.yml`, said so as `yaml bough.yml`."""
        return self.info[:2] == ("yaml", "bough.yml")

    @property
    def is_shell(self) -> bool:
        return bool(self.info) and self.info[0] in SHELL_BLOCKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A Markdown file: `path` relative to the root, and its text."""

    path: str
    text: str

    def blocks(self) -> Iterator[Block]:
        fence, start = "", 0
        info: tuple[str, ...] = ()
        body: list[str] = []
        for number, line in enumerate(self.text.splitlines(), 1):
            match = _FENCE.match(line)
            if fence and match and match[1].startswith(fence) and not match[2]:
                yield Block(info=info, line=start, body="\n".join(body) + "\n")
                fence = ""
            elif fence:
                body.append(line)
            elif match:
                fence, info, start, body = match[1], tuple(match[2].split()), number, []

    def commands(self) -> Iterator[tuple[int, list[str]]]:
        """The simple commands of its shell blocks with their lines; of a console's, the typed."""
        for block in self.blocks():
            if block.is_shell:
                for offset, line in enumerate(block.body.splitlines(), 1):
                    typed = _typed(line, console=block.info[0] == "console")
                    for words in _simple_commands(typed):
                        yield block.line + offset, words

    def links(self) -> Iterator[tuple[int, str]]:
        """The links to other files of the repository."""
        for number, line in enumerate(self.text.splitlines(), 1):
            for match in _LINK.finditer(line):
                if "://" not in match[1] and not match[1].startswith("mailto:"):
                    yield number, match[1]


def documents() -> list[Document]:
    """Every Markdown file of the project."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    paths += [*(ROOT / "scenarios").rglob("*.md"), *(ROOT / "bench").rglob("*.md")]
    return [
        Document(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8"))
        for path in sorted(paths)
    ]


def _typed(line: str, *, console: bool) -> str:
    if not console:
        return line
    return line.removeprefix("$ ") if line.startswith("$ ") else ""


def _simple_commands(line: str) -> Iterator[list[str]]:
    """The commands between the shell's operators, without leading assignments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            yield from _without_assignments(words)
            words = []
        else:
            words.append(word)


def _without_assignments(words: list[str]) -> Iterator[list[str]]:
    rest = list(words)
    while rest and re.match(r"\w+=", rest[0]):
        del rest[0]
    if rest:
        yield rest
