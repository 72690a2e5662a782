"""Where a shim finds bough, and what happens when there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.repository import discover
from bough.hooks.shims import install
from tests.hooks.recorder import Recorder, commit, installed
from tests.support.repos import Repo, write_files

MakeRepo = Callable[..., Repo]


@pytest.fixture
def gated(git_repo: MakeRepo) -> Repo:
    """A repository with shims and a configuration, so that each of them needs bough."""
    hooks = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
    declared = ", ".join(f"{hook}: {{jobs: [{{run: 'true'}}]}}" for hook in hooks)
    return installed(git_repo({"bough.yml": f"hooks: {{{declared}}}\n"}))


def test_without_bough_a_gate_is_closed_and_says_what_to_do(gated: Repo, tools: str) -> None:
    refused = commit(gated, PATH=tools)
    assert refused.returncode == 1
    assert "bough: cannot run for pre-commit: bough was not found" in refused.stderr
    assert "git config bough.command" in refused.stderr
    assert "BOUGH=0" in refused.stderr
    commit(gated, PATH=tools, BOUGH="0").ok()


def test_without_bough_what_is_no_gate_goes_on_with_the_message(
    gated: Repo, tools: str, tmp_path: Path
) -> None:
    done = gated.git("worktree", "add", tmp_path / "w", env={"PATH": tools}).ok()
    assert "cannot run for post-checkout" in done.stderr


def test_bough_bin_comes_first_and_must_be_absolute(
    gated: Repo, recorder: Recorder, tools: str, tmp_path: Path
) -> None:
    other = Recorder(tmp_path / "other")
    gated.git("config", "bough.command", other.path).ok()
    commit(gated, PATH=f"{tools}:{other.path.parent}").ok()
    assert (len(recorder.calls), other.calls) == (4, [])
    for wrong in ("bough", "./bough", str(tmp_path / "none"), str(tmp_path)):
        refused = commit(gated, BOUGH_BIN=wrong)
        assert refused.returncode == 1
        assert f"BOUGH_BIN is {wrong}" in refused.stderr
    assert (len(recorder.calls), other.calls) == (4, [])


def test_git_config_says_where_bough_is(gated: Repo, tools: str, tmp_path: Path) -> None:
    told, found = Recorder(tmp_path / "a b"), Recorder(tmp_path / "found")
    gated.git("config", "bough.command", told.path).ok()
    commit(gated, PATH=f"{tools}:{found.path.parent}").ok()
    assert (len(told.calls), found.calls) == (4, [])
    gated.git("config", "bough.command", "bough").ok()
    refused = commit(gated, PATH=f"{tools}:{found.path.parent}")
    assert refused.returncode == 1
    assert "git's configuration says bough.command = bough" in refused.stderr


def test_on_path_only_absolute_folders_outside_of_all_worktrees_count(
    gated: Repo, tools: str, tmp_path: Path
) -> None:
    linked = gated.worktree(tmp_path / "w", "w")
    outside = Recorder(tmp_path / "outside")
    traps = [
        Recorder(gated.path / "bin"),
        Recorder(gated.path),
        Recorder(linked.path / "deep/bin"),
        Recorder(linked.path),
    ]
    (tmp_path / "link").symlink_to(gated.path / "bin")
    folders = ["", ".", "bin", str(traps[0].path.parent), str(traps[2].path.parent)]
    path = ":".join([*folders, str(tmp_path / "link"), tools, str(outside.path.parent)])
    for place in (gated, linked):
        commit(place, PATH=path).ok()
    assert [trap.calls for trap in traps] == [[], [], [], []]
    assert len(outside.calls) == 8


def test_the_recorded_path_is_the_last_resort(
    git_repo: MakeRepo, tools: str, tmp_path: Path
) -> None:
    recorded = Recorder(tmp_path / 'it\'s "recorded"')
    repo = installed(git_repo({"bough.yml": "{}\n"}), command=str(recorded.path))
    commit(repo, PATH=tools).ok()
    assert len(recorded.calls) == 4


def test_a_recorded_path_in_a_worktree_is_not_trusted(git_repo: MakeRepo, tools: str) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    trap = Recorder(repo.path / "venv/bin")
    report = install(discover(str(repo.path)), command=str(trap.path))
    assert any("git config bough.command" in note for note in report.notes)
    assert commit(repo, PATH=tools).returncode == 1
    assert trap.calls == []


def test_a_bough_whose_python_is_gone_closes_gates_only(gated: Repo, tmp_path: Path) -> None:
    write_files(tmp_path / "broken", {"bough": "#!/nowhere/python\n"})
    env = {"BOUGH_BIN": str(tmp_path / "broken/bough")}
    refused = commit(gated, **env)
    assert refused.returncode == 1
    assert "cannot be started" in refused.stderr
    gated.git("worktree", "add", tmp_path / "w", env=env).ok()
