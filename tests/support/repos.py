"""Git repositories for tests: made by real git, small, and the same on every machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import Finished, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository, or one of its worktrees, at `path`."""

    path: Path

    def git(self, *args: str | os.PathLike[str], env: Mapping[str, str] | None = None) -> Finished:
        """Run git here, to its end; `.ok()` on the value insists on success."""
        return run(["git", *args], cwd=self.path, env=env)

    def out(self, *args: str) -> str:
        """What git prints, without the final newline; AssertionError if it fails."""
        return self.git(*args).ok().stdout.removesuffix("\n")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write `files` below the repository; one that begins with `#!` becomes executable."""
        write_files(self.path, files)

    def commit(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        """Write `files`, commit them alone, and return the id of the commit."""
        self.write(files)
        self.git("add", "--", *files).ok()
        self.git("commit", "--quiet", "--allow-empty", "--message", message).ok()
        return self.out("rev-parse", "HEAD")

    def branch(self, name: str, files: Mapping[str, str | bytes] | None = None) -> None:
        """Create the branch `name` at HEAD, with one more commit of `files` if there are any."""
        if not files:
            self.git("branch", "--", name).ok()
            return
        before = self.out("symbolic-ref", "HEAD").removeprefix("refs/heads/")
        self.git("switch", "--quiet", "--create", name).ok()
        self.commit(files, message=f"on {name}")
        self.git("switch", "--quiet", before).ok()

    def worktree(self, path: str | os.PathLike[str], branch: str) -> Repo:
        """Add a worktree with plain git, on a new branch."""
        self.git("worktree", "add", "--quiet", "-b", branch, path).ok()
        return Repo(path=Path(os.path.realpath(self.path / path)))

    def with_origin(self, path: Path) -> Repo:
        """Make a bare repository at `path`, push all branches, and track them as `origin`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["git", "init", "--quiet", "--bare", path]).ok()
        self.git("remote", "add", "origin", path).ok()
        self.git("push", "--quiet", "--set-upstream", "--all", "origin").ok()
        self.git("remote", "set-head", "origin", self.out("symbolic-ref", "--short", "HEAD")).ok()
        return Repo(path=path)


def make_repo(path: Path, files: Mapping[str, str | bytes] | None = None) -> Repo:
    """A repository at `path` on branch `main`, with one commit of `files` (default: a README)."""
    path.mkdir(parents=True, exist_ok=True)
    repo = Repo(path=Path(os.path.realpath(path)))
    repo.git("init", "--quiet").ok()
    repo.commit({"README.md": "sample\n"} if files is None else files, message="first")
    return repo


def write_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write `files` below `root`, folders included; one that begins with `#!` is executable."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        path.write_bytes(data)
        if data.startswith(b"#!"):
            path.chmod(0o755)
