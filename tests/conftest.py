"""What holds for every test: a sandbox of its own, no survivors, no way to the real state.

Fixtures: `sandbox` (automatic), `git_repo` (a factory), `bough` (the installed command).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from bough.coordinator import places
from tests.support.commands import Bough
from tests.support.isolation import Sandbox, entered, sandboxed
from tests.support.orphans import pytest_runtest_logreport  # noqa: F401 - a hook, used by pytest
from tests.support.repos import Repo, make_repo

for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGTERM, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        # Started with nohup, or in the background of a script: what tests start would inherit it.
        signal.signal(_number, _usual)

# Tests run in folders that go away; what hypothesis has learned stays with the checkout.
set_hypothesis_home_dir(Path(__file__).parent.parent / ".hypothesis")
hypothesis.settings.register_profile("bough", deadline=None, max_examples=100, print_blob=True)
hypothesis.settings.load_profile("bough")


@pytest.fixture(scope="session", autouse=True)
def session_sandbox() -> Iterator[Sandbox]:
    """Isolation for what lives longer than one test, and for what no test's own covers."""
    with sandboxed() as box, entered(box):
        yield box


@pytest.fixture(autouse=True)
def sandbox() -> Iterator[Sandbox]:
    """The test's own home, git configuration and bough folders; fails if a process survives."""
    # Not the monkeypatch fixture: what a test does with that must be undone inside the sandbox.
    with sandboxed() as box, entered(box), pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_default_state_root", _forbidden("state"))
        patch.setattr(places, "_default_config_root", _forbidden("config"))
        yield box


def _forbidden(kind: str) -> Callable[[], str]:
    def default_root() -> str:
        raise AssertionError(f"a test asked for the real default {kind} folder")

    return default_root


@pytest.fixture
def git_repo(tmp_path: Path) -> Callable[..., Repo]:
    """`git_repo(files=None, name="repo")`: a new repository with one commit, in `tmp_path`."""

    def make(files: Mapping[str, str | bytes] | None = None, *, name: str = "repo") -> Repo:
        return make_repo(tmp_path / name, files)

    return make


@pytest.fixture
def bough() -> Bough:
    """The installed command: `bough("list", cwd=repo.path).ok().json()`."""
    return Bough()
