"""`bough demo`: the main job, on a small repository of its own, as a person would type it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from typing import Annotated

import typer

from bough.coordinator.errors import BoughError, Exit
from bough.hooks.environment import environment
from bough.hooks.errors import shown
from bough.hooks.git import git, require_git
from bough.worktree.cli.terminal import style_for, tell

_CONFIG = """\
# What happens when a worktree is created, and when it goes.
hooks:
  worktree-pre-create:
    jobs:
      - name: enough-space
        run: df -k . | awk 'NR == 2 {exit $4 < 10240}'

  worktree-post-create:
    jobs:
      - name: install
        run: |
          echo "installing for {branch}"
          echo ready > .installed
      - name: lint
        run: echo "nothing to complain about"
      - name: test
        run: |
          for n in 1 2 3; do echo "test $n ok"; sleep 0.2; done
        needs: install
        background: true
      - name: index
        run: sleep 0.4; echo "indexed $(git ls-files | wc -l | tr -d ' ') files"
        background: true

  worktree-pre-remove:
    jobs:
      - name: clean-up
        run: rm -f .installed

tasks:
  hello:
    description: says hello
    run: echo "hello from {branch}"
"""


def demo(
    folder: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Where to build it.")
    ] = None,
) -> int:
    """Build a sample repository and show the main job in it."""
    require_git()
    _show(os.path.realpath(folder or tempfile.mkdtemp(prefix="bough-demo-")))
    return Exit.OK


def _show(folder: str) -> None:
    repo = _sample(folder)
    tell(f"A sample repository, with this bough.yml, in {repo}:\n")
    tell("\n".join(f"    {line}" for line in _CONFIG.splitlines()) + "\n")
    play = _Player(repo)
    play("Consent to what it runs, once:", "trust", "--yes")
    play(
        "Create a branch with a worktree. Foreground jobs run here, the others in the background:",
        "start",
        "feature/search",
    )
    play("Every worktree at a glance:", "list")
    play.inside = f"{os.path.dirname(repo)}/sample.feature-search"
    play("The background jobs go on by themselves; follow one:", "jobs", "logs", "test", "--follow")
    play("A task, with its output passed through:", "run", "hello")
    play("Everything that ran here, with how it ended:", "jobs", "--all")
    play("One of them in detail:", "jobs", "show", "test")
    play.inside = repo
    play(
        "Remove worktree and branch; the gate runs first, and nothing may be lost:",
        "remove",
        "feature/search",
    )
    tell("That was: jobs declared once, run by worktree events, in the foreground and in the")
    tell("background, all of them recorded.")
    tell("")
    tell(f"The sample stays in {folder} until you remove it. To look around:")
    tell(f"    cd {shlex.quote(repo)}")
    tell("    bough jobs --format json")


def _sample(folder: str) -> str:
    repo = f"{folder}/sample"
    try:
        os.makedirs(repo, exist_ok=False)
    except OSError as error:
        raise BoughError(
            f"the sample cannot be built at {shown(repo)}: {error.strerror}",
            hint="Name another folder: bough demo --dir DIR",
        ) from error
    with open(f"{repo}/bough.yml", "w", encoding="utf-8") as file:
        file.write(_CONFIG)
    with open(f"{repo}/.gitignore", "w", encoding="utf-8") as file:
        file.write(".installed\n")
    git("init", "--quiet", "--initial-branch=main", cwd=repo)
    git("add", "--all", cwd=repo)
    identity = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com")
    git(*identity, "commit", "--quiet", "--no-gpg-sign", "--message", "A sample", cwd=repo)
    return repo


class _Player:
    """Types commands in `inside` and shows them with what they print."""

    def __init__(self, folder: str) -> None:
        self.inside = folder
        self._style = style_for(sys.stdout)

    def __call__(self, remark: str, *words: str) -> None:
        tell(f"{self._style.dim}# {remark}{self._style.reset}")
        tell(f"{self._style.bold}$ bough {' '.join(words)}{self._style.reset}")
        # No time limit of its own: the jobs are the demo's, and end.
        status = subprocess.run(
            [sys.executable, "-P", "-m", "bough.worktree.cli.entry", *words],
            cwd=self.inside,
            env=environment(os.environ, keep_git=False),
            check=False,
            stderr=subprocess.STDOUT,
        ).returncode
        tell("")
        if status != 0:
            raise BoughError(f"bough {' '.join(words)} ended with status {status}")
