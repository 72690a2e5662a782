"""A shim believes what bough noted exactly as long as the configuration is that one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.config.load import load
from bough.hooks.config.readers import FolderReader
from bough.hooks.eventsfile import EVENTS_FILE, note
from tests.hooks.recorder import Recorder, commit, installed
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]
CONFIG = "hooks: {pre-commit: {jobs: [{run: 'true'}]}, git-post-merge: {jobs: [{run: 'true'}]}}\n"
ALL = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"]


def noted(repo: Repo, home: Path) -> None:
    config = load(FolderReader(str(repo.path)))
    assert config is not None
    note(str(home), config)


@pytest.fixture
def repo(git_repo: MakeRepo) -> Repo:
    made = installed(git_repo({"bough.yml": CONFIG, "base.yml": "{}\n"}))
    noted(made, made.path / ".git")
    return made


def test_only_declared_hooks_start_bough(repo: Repo, recorder: Recorder) -> None:
    commit(repo)
    assert recorder.events == ["pre-commit"]


def test_in_a_linked_worktree_its_own_note_counts(
    repo: Repo, recorder: Recorder, tmp_path: Path
) -> None:
    linked = repo.worktree(tmp_path / "a b", "side")
    before = len(recorder.events)
    commit(linked)
    assert recorder.events[before:] == ALL
    noted(linked, Path(linked.out("rev-parse", "--absolute-git-dir")))
    before = len(recorder.events)
    commit(linked)
    assert recorder.events[before:] == ["pre-commit"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("bough.yml", CONFIG + "#\n"),
        ("bough.yml", CONFIG.replace("true", "tru2")),
        ("bough.local.yml", "{}\n"),
        (".bough.local.yaml", "{}\n"),
    ],
)
def test_any_other_configuration_is_asked_about(
    repo: Repo, recorder: Recorder, path: str, content: str
) -> None:
    (repo.path / path).write_text(content, encoding="utf-8")
    commit(repo)
    assert recorder.events == ALL


def test_a_changed_file_that_is_extended_counts_too(repo: Repo, recorder: Recorder) -> None:
    (repo.path / "bough.yml").write_text("extends: base.yml\n" + CONFIG, encoding="utf-8")
    noted(repo, repo.path / ".git")
    commit(repo)
    assert recorder.events == ["pre-commit"]
    (repo.path / "base.yml").write_text("hooks: {}\n", encoding="utf-8")
    commit(repo)
    assert recorder.events[1:] == ALL


@pytest.mark.parametrize("damage", ["", "pre-push\n", "pre-push\nbough.yml\n", "\n\n\n"])
def test_a_damaged_note_is_no_note(repo: Repo, recorder: Recorder, damage: str) -> None:
    (repo.path / ".git" / EVENTS_FILE).write_text(damage, encoding="utf-8")
    commit(repo)
    assert recorder.events == ALL


def test_names_that_a_shell_list_cannot_hold_are_not_noted(repo: Repo) -> None:
    (repo.path / "b c.yml").write_text("{}\n", encoding="utf-8")
    (repo.path / "bough.yml").write_text("extends: b c.yml\n" + CONFIG, encoding="utf-8")
    (repo.path / ".git" / EVENTS_FILE).unlink()
    noted(repo, repo.path / ".git")
    assert not (repo.path / ".git" / EVENTS_FILE).exists()
