"""A sandbox for one test or one scenario: its own home, git configuration and bough folders.

Nothing that a test runs may see the person's home, git configuration or bough state, and nothing
may stay behind. `sandboxed` promises both: the environment it describes points every place that
git and bough look at into one folder, and leaving it fails if a process survived.

The folder lies directly under /tmp and has a short name, because the path of a Unix socket may
hold only about 100 bytes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import leaks

BIN = Path(sys.executable).parent
"""Where the commands of the environment under test are installed."""

# tempfile settles on a folder once; it must not be one that goes away with its sandbox.
tempfile.gettempdir()

FOREIGN_PREFIXES = ("GIT_", "BOUGH_", "XDG_", "LC_", "CLICOLOR")
FOREIGN_NAMES = frozenset(
    {
        "BOUGH",
        "CDPATH",
        "CI",
        "COLUMNS",
        "ENV",
        "FORCE_COLOR",
        "LANG",
        "LANGUAGE",
        "LINES",
        "OLDPWD",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PYTHONSAFEPATH",
        "PYTHONWARNINGS",
        "TTY_COMPATIBLE",
        "TTY_INTERACTIVE",
    }
)
"""What a person's shell may hold that changes what git, bough, rich or Python do."""

GIT_CONFIG = """\
[user]
    name = Test Person
    email = test@example.com
[init]
    defaultBranch = main
[core]
    editor = true
    pager = cat
[commit]
    gpgSign = false
[advice]
    detachedHead = false
# Housekeeping in the background would outlive the test that caused it.
[gc]
    auto = 0
[maintenance]
    auto = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The folders of one test. `marker` is the value of BOUGH_TEST_ID in all that it starts."""

    root: Path
    marker: str

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def state(self) -> Path:
        """BOUGH_STATE_DIR."""
        return self.root / "s"

    @property
    def config(self) -> Path:
        """BOUGH_CONFIG_DIR."""
        return self.root / "c"

    @property
    def runtime(self) -> Path:
        """BOUGH_RUNTIME_DIR."""
        return self.root / "r"

    @property
    def work(self) -> Path:
        """The current folder at the start, and the place for repositories of a scenario."""
        return self.root / "w"

    @property
    def temporary(self) -> Path:
        """TMPDIR, where a crash of bough's leaves its log."""
        return self.root / "t"


def environment(sandbox: Sandbox, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of whatever runs in `sandbox`: `base` without what is foreign to a test."""
    kept = {
        name: value
        for name, value in base.items()
        if not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
    home = str(sandbox.home)
    return kept | {
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_STATE_HOME": f"{home}/.local/state",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_RUNTIME_DIR": str(sandbox.root / "x"),
        "GIT_CONFIG_GLOBAL": f"{home}/.gitconfig",
        "GIT_CONFIG_NOSYSTEM": "1",
        "BOUGH_STATE_DIR": str(sandbox.state),
        "BOUGH_CONFIG_DIR": str(sandbox.config),
        "BOUGH_RUNTIME_DIR": str(sandbox.runtime),
        "TMPDIR": str(sandbox.temporary),
        leaks.MARKER: sandbox.marker,
        "PATH": os.pathsep.join([str(BIN), kept.get("PATH", os.defpath)]),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "SHELL": "/bin/sh",
    }


@contextmanager
def sandboxed() -> Iterator[Sandbox]:
    """A new sandbox, removed on leaving; raises `leaks.Leak` if a process outlived it."""
    # realpath: /tmp is a link on macOS, and git reports real paths.
    root = Path(tempfile.mkdtemp(prefix="bt-", dir=os.path.realpath("/tmp")))  # noqa: S108 - a short path
    sandbox = Sandbox(root=root, marker=uuid.uuid4().hex)
    for folder in (sandbox.home, sandbox.work, sandbox.temporary, sandbox.root / "x"):
        folder.mkdir(mode=0o700)
    (sandbox.home / ".gitconfig").write_text(GIT_CONFIG)
    before = leaks.snapshot()
    try:
        yield sandbox
    finally:
        try:
            leaks.check(sandbox.marker, before)
        finally:
            remove_tree(root)


@contextmanager
def entered(sandbox: Sandbox) -> Iterator[None]:
    """Let this very process run in `sandbox`: its environment and current folder."""
    wanted = environment(sandbox, os.environ)
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(wanted):
            patch.delenv(name)
        for name, value in wanted.items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
        patch.chdir(sandbox.work)
        yield


def remove_tree(root: Path) -> None:
    """Remove `root` with all that is in it, also where a test took away its own permissions."""
    for folder, names, _files in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(root)
