"""Completion in real shells: Tab is pressed, Enter follows, and what arrives is looked at."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bough.coordinator.errors import UsageError
from bough.worktree.cli import complete
from bough.worktree.cli.shell import SHELLS, completion_script
from tests.support.commands import run
from tests.support.isolation import Sandbox
from tests.support.needs import need_tool
from tests.support.repos import Repo, write_files
from tests.worktree.cli.shells import Terminal, terminal

MakeRepo = Callable[..., Repo]

GIT_COMPLETION = Path("/usr/share/bash-completion/completions/git")
"""Where distributions keep git's own completion for bash."""

# Writes its arguments, NUL-terminated, to a new file whose name it learns from the environment.
RECORDER = """\
#!/bin/sh
printf '%s\\0' "$@" >"$RECORD.part" && mv "$RECORD.part" "$RECORD"
"""


class Shell:
    """A shell with completion, in a repository; what it calls `bough` writes down the arguments."""

    def __init__(self, screen: Terminal, record: Path) -> None:
        self._screen = screen
        self._record = record

    def run(self, keys: str) -> list[str]:
        """Type `keys`, Tabs included, then Enter; the arguments that `bough` was called with."""
        self._record.unlink(missing_ok=True)
        self._screen.type(f"{keys}\n")
        self._screen.wait_for_file(self._record)
        return [os.fsdecode(word) for word in self._record.read_bytes().split(b"\0")[:-1]]


def start_line(shell: str, script: Path) -> str:
    """What a person's startup file would contain, and a prompt that nothing else prints."""
    source = f"source {shlex.quote(str(script))}"
    if shell == "bash":
        git = f"source {GIT_COMPLETION}; " if GIT_COMPLETION.exists() else ""
        return f"bind 'set bell-style none'; {git}{source}; PS1='rea''dy> '\n"
    if shell == "zsh":
        setup = "unsetopt beep; autoload -U compinit; compinit -u -D"
        return f"{setup}; {source}; PS1='rea''dy> '\n"
    return f"{source}; function fish_prompt; echo -n 'rea''dy> '; end\n"


INTERACTIVE = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}


@pytest.fixture
def repo(git_repo: MakeRepo, tmp_path: Path) -> Repo:
    repo = git_repo()
    for name in (
        "feature/login",
        "we$ird(x)",
        "dep/@types/node",
        "q'uote",
        "a=b",
        "日本/語",
        "x;y",
    ):
        repo.branch(name)
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "try this").ok()
    repo.worktree(tmp_path / "w", "topic")
    return repo


@pytest.fixture(params=SHELLS)
def shell(
    request: pytest.FixtureRequest,
    repo: Repo,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    name = request.param
    need_tool(name)
    script = tmp_path / f"completion of {name}"
    script.write_text(script_for(name))
    write_files(sandbox.home / "bin", {"bough": RECORDER, "git-bough": RECORDER})
    monkeypatch.setenv("PATH", f"{sandbox.home}/bin{os.pathsep}{os.environ['PATH']}")
    record = tmp_path / "record"
    monkeypatch.setenv("RECORD", str(record))
    monkeypatch.setenv("TERM", "dumb")
    with terminal(INTERACTIVE[name], cwd=repo.path) as screen:
        screen.type(start_line(name, script))
        screen.wait_for("ready> ")
        yield Shell(screen, record)


def script_for(shell: str) -> str:
    return completion_script(shell, python=sys.executable, complete=complete.__file__)


def test_tab_completes_verbs_options_and_names(shell: Shell) -> None:
    assert shell.run("bough li\t") == ["list"]
    assert shell.run("bough go fea\t") == ["go", "feature/login"]
    assert shell.run("bough remove to\t") == ["remove", "topic"]
    assert shell.run("bough list --for\tjs\t") == ["list", "--format", "json"]
    assert shell.run("bough list --format=js\t") == ["list", "--format=json"]
    assert shell.run("bough -q -v go fea\t") == ["-q", "-v", "go", "feature/login"]


def test_hostile_names_arrive_as_they_are(shell: Shell, repo: Repo) -> None:
    for typed, name in (
        ("we\t", "we$ird(x)"),
        ("dep/\t", "dep/@types/node"),
        ("dep/@t\t", "dep/@types/node"),
        ("q\t", "q'uote"),
        ("a=\t", "a=b"),
        ("日\t", "日本/語"),
        ("x\t", "x;y"),
        ("try\t", "try this"),
    ):
        assert shell.run(f"bough go {typed}") == ["go", name], typed
    assert not (repo.path / "y").exists()


def test_within_quotes_the_rest_is_completed(shell: Shell) -> None:
    assert shell.run("bough go 'fea\t") == ["go", "feature/login"]
    assert shell.run('bough go "fea\t') == ["go", "feature/login"]


def test_git_bough_is_completed_too(shell: Shell, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["shell"]
    if name == "bash" and not GIT_COMPLETION.exists():
        pytest.skip(f"git's completion for bash is not in {GIT_COMPLETION}")
    assert shell.run("git bough go fea\t") == ["go", "feature/login"]
    assert shell.run("git -c a.b=c bough jobs --status cra\t") == ["jobs", "--status", "crashed"]


def test_folders_stay_open_for_more(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    assert shell.run(f"bough -C {tmp_path}/de\ter\tgo") == ["-C", f"{tmp_path}/deep/er/go"]


# --- bash's side of it, without a terminal

REPLY = """
source "$1"
COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
COMP_LINE=$2 COMP_POINT=${3:-${#2}}
COMP_WORDS=("${@:4}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_bough
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash_replies(
    repo: Repo, tmp_path: Path, words: list[str], line: str = "", at: str = ""
) -> list[str]:
    """COMPREPLY for `words` as readline splits them."""
    script = tmp_path / "completion.bash"
    script.write_text(script_for("bash"))
    argv = [need_tool("bash"), "--norc", "-c", REPLY, "bash", script, line or " ".join(words), at]
    return run([*argv, *words], cwd=repo.path).ok().stdout.splitlines()


def test_bash_quotes_what_the_shell_would_take_apart(repo: Repo, tmp_path: Path) -> None:
    found = bash_replies(repo, tmp_path, ["bough", "go", ""], "bough go ")
    back = [shlex.split(reply) for reply in found]
    expected = ["we$ird(x)", "q'uote", "try this", "x;y", "feature/login"]
    assert all([name] in back for name in expected)


def test_bash_replies_with_the_part_that_readline_replaces(repo: Repo, tmp_path: Path) -> None:
    words = ["bough", "list", "--format", "=", "js"]
    assert bash_replies(repo, tmp_path, words, "bough list --format=js") == ["json"]
    words = ["bough", "list", "--format", "="]
    assert "json" in bash_replies(repo, tmp_path, words, "bough list --format=")
    words = ["bough", "go", "dep/", "@", "t"]
    assert bash_replies(repo, tmp_path, words, "bough go dep/@t") == ["@types/node"]


def test_bash_looks_only_at_what_is_before_the_cursor(repo: Repo, tmp_path: Path) -> None:
    words = ["bough", "go", "feature"]
    line = "bough go feature"
    assert bash_replies(repo, tmp_path, words, line, str(len("bough go f"))) == ["feature/login"]
    assert bash_replies(repo, tmp_path, words, line, str(len("bough go fx"))) == ["feature/login"]


# --- the scripts


@pytest.mark.parametrize("shell_name", SHELLS)
def test_paths_with_spaces_and_quotes_are_quoted(
    repo: Repo, tmp_path: Path, shell_name: str
) -> None:
    odd = tmp_path / 'it\'s a \\ $(touch pwned) "place"'
    write_files(odd, {"python": '#!/bin/sh\nprintf \'%s\\n\' "$#" "$3"\n'})
    text = completion_script(
        shell_name, python=str(odd / "python"), complete=str(odd / "complete.py")
    )
    script = tmp_path / "script"
    script.write_text(text)
    ask = {
        "bash": "_bough_ask go x",
        "zsh": "words=(bough go x) CURRENT=3 PREFIX=x; _bough",
        "fish": "complete -C'bough go '",
    }[shell_name]
    builtins = "compdef() { :; }; compadd() { print -rl -- $candidates }; "
    stub = builtins if shell_name == "zsh" else ""
    source = f"{stub}source {shlex.quote(str(script))}; {ask}"
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell_name]
    done = run([need_tool(shell_name), *options, "-c", source], cwd=repo.path).ok()
    assert str(odd / "complete.py") in done.stdout
    assert not (repo.path / "pwned").exists()


def test_another_shell_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UsageError, match="'tcsh'") as error:
        completion_script("tcsh", python="/p", complete="/c")
    assert error.value.hint == "Shells: bash, zsh, fish"
