"""A stand-in for bough that writes down how git's hooks called it."""

from __future__ import annotations

from pathlib import Path

from bough.hooks.repository import discover
from bough.hooks.shims import install
from tests.support.commands import Finished
from tests.support.repos import Repo, write_files

RECORDER = """\
#!/bin/sh
# Each call is a file: arguments one per line, then what stdin said.
calls='@CALLS@'
number=0
while ! mkdir "$calls/$number" 2>/dev/null; do number=$((number + 1)); done
for argument in "$@"; do printf '%s\\n' "$argument"; done >"$calls/$number/args"
cat >"$calls/$number/stdin"
pwd -P >"$calls/$number/cwd"
exit @STATUS@
"""


class Recorder:
    """An executable that records its calls below `folder`; its path is `path`."""

    def __init__(self, folder: Path, name: str = "bough", code: int = 0) -> None:
        self.path = folder / name
        self.calls_folder = folder / f"{name}-calls"
        self.calls_folder.mkdir(parents=True)
        quoted = str(self.calls_folder).replace("'", "'\\''")
        script = RECORDER.replace("@CALLS@", quoted).replace("@STATUS@", str(code))
        write_files(folder, {name: script})

    def _read(self, what: str) -> list[str]:
        count = len(list(self.calls_folder.iterdir()))
        return [(self.calls_folder / str(n) / what).read_text() for n in range(count)]

    @property
    def calls(self) -> list[list[str]]:
        return [text.splitlines() for text in self._read("args")]

    @property
    def events(self) -> list[str]:
        assert all(call[0] == "__hook" for call in self.calls)
        return [call[1] for call in self.calls]

    @property
    def inputs(self) -> list[str]:
        return self._read("stdin")

    @property
    def folders(self) -> list[str]:
        return [text.removesuffix("\n") for text in self._read("cwd")]


def installed(repo: Repo, command: str = "") -> Repo:
    install(discover(str(repo.path)), command=command)
    return repo


def hook(repo: Repo, name: str) -> Path:
    return repo.path / ".git/hooks" / name


def commit(repo: Repo, **env: str) -> Finished:
    return repo.git("commit", "--allow-empty", "-m", "x", env=env)
