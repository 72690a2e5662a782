"""What the documents show is true: examples load, commands and options exist, links lead somewhere.

A fenced block marked `yaml bough.yml` is a whole configuration (what stands behind that are files
that it names); in a block marked `sh` or `console` every `bough …` and every `./dev …` is looked
up. `./dev check` runs this file by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bough.hooks.config.load import load
from bough.hooks.config.readers import FolderReader
from bough.hooks.errors import ConfigError
from tests.house.documents import Document, documents
from tests.house.source import ROOT

Check = Callable[[Document, Path], Iterator[str]]


def invalid_examples(document: Document, folder: Path) -> Iterator[str]:
    for block in document.blocks():
        if block.is_config:
            for name in block.info[2:]:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).touch()
            (folder / "bough.yml").write_text(block.body, encoding="utf-8")
            try:
                load(FolderReader(str(folder)))
            except ConfigError as error:
                yield f"{document.path}:{block.line}: {error}"


def unknown_commands(document: Document, _folder: Path) -> Iterator[str]:
    for line, words in document.commands():
        problem = ""
        if words[0] == "./dev" and len(words) > 1 and words[1] not in dev_verbs():
            problem = f"./dev has no verb {words[1]!r}"
        elif words[0] == "bough":
            problem = _problem_of(words[1:])
        elif words[:2] == ["git", "bough"]:
            problem = _problem_of(words[2:])
        if problem:
            yield f"{document.path}:{line}: {problem}"


def dead_links(document: Document, _folder: Path) -> Iterator[str]:
    here = (ROOT / document.path).parent
    for line, target in document.links():
        if not (here / target).exists():
            yield f"{document.path}:{line}: there is no {target}"


def dev_verbs() -> set[str]:
    """The verbs that `./dev` explains: two spaces, the verb, what it does."""
    text = (ROOT / "dev").read_text(encoding="utf-8")
    return set(re.findall(r"^  ([a-z]+) ", text, re.MULTILINE))


def _problem_of(words: list[str]) -> str:
    """What is wrong with a command line of bough's, without its first word; empty if nothing is."""
    import typer.main

    from bough.worktree.cli.app import application

    # Any: click's own classes, which typer may replace.
    command: Any = typer.main.get_command(application())
    name = "bough"
    rest = list(words)
    while rest and rest[0] != "--":
        word = rest.pop(0)
        if word in {"-h", "--help"}:
            break
        if word.startswith("-") and word != "-":
            option = _option(command, word.partition("=")[0])
            if option is None:
                return f"{name} has no option {word}"
            if "=" not in word and not (option.is_flag or option.count):
                del rest[:1]
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"{name} has no verb {word!r}"
            command, name = command.commands[word], f"{name} {word}"
        elif command.ignore_unknown_options:
            break
    return ""


def _option(command: Any, word: str) -> Any:
    for option in command.params:
        if word in (*option.opts, *option.secondary_opts):
            return option
    return None


CHECKS: tuple[Check, ...] = (invalid_examples, unknown_commands, dead_links)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_documents_are_true(check: Check, tmp_path: Path) -> None:
    problems = [problem for document in documents() for problem in check(document, tmp_path)]
    assert not problems, "\n".join(problems)


def _fenced(info: str, body: str) -> str:
    return f"Text.\n\n```{info}\n{body}\n```\n"


@pytest.mark.parametrize(
    ("check", "text", "found"),
    [
        (
            invalid_examples,
            _fenced("yaml bough.yml", "hooks: {post-clone: {jobs: [{nmae: x}]}}"),
            "a.md:3: ",
        ),
        (
            invalid_examples,
            _fenced("yaml bough.yml", "hooks: {post-clone: {jobs: [{name: x, run: ls}]}}"),
            None,
        ),
        (invalid_examples, _fenced("yaml bough.yml x/y.sh", "rc: x/y.sh"), None),
        (invalid_examples, _fenced("yaml bough.yml x/y.sh", "rc: y.sh"), "does not exist"),
        (invalid_examples, _fenced("yaml", "nonsense: true"), None),
        (unknown_commands, _fenced("sh", "cd x && bough strat y"), "a.md:4: bough has no verb"),
        (unknown_commands, _fenced("sh", "# bough strat\ngit bough -C x start y"), None),
        (unknown_commands, _fenced("sh", "bough list --fromat json"), "bough list has no option"),
        (unknown_commands, _fenced("sh", "bough list --format json | jq ."), None),
        (unknown_commands, _fenced("sh", "bough jobs lgos x"), "bough jobs has no verb 'lgos'"),
        (unknown_commands, _fenced("console", "$ bough jobs logs x\nbough output"), None),
        (unknown_commands, _fenced("sh", "./dev tset"), "./dev has no verb 'tset'"),
        (unknown_commands, _fenced("sh", "./dev test -k name"), None),
        (dead_links, "See [this](docs/nowhere.md#part).\n", "a.md:1: there is no docs/nowhere.md"),
        (dead_links, "See [this](pyproject.toml) and [that](https://example.com/).\n", None),
    ],
)
def test_a_planted_untruth_is_found(
    check: Check, text: str, found: str | None, tmp_path: Path
) -> None:
    problems = list(check(Document(path="a.md", text=text), tmp_path))
    if found is None:
        assert problems == []
    else:
        (problem,) = problems
        assert found in problem
