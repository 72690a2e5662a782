"""Calling git: errors, time limits, the environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks import git as git_module
from bough.hooks import gitvariables
from bough.hooks.git import GitError, git, git_version, require_git
from tests.support.repos import Repo, write_files
from tests.support.waiting import wait_until

MakeRepo = Callable[..., Repo]


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(folder, {"git": f"#!/bin/sh\n{script}\n"})
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_an_answer_is_text_lines_or_nul_separated_fields(git_repo: MakeRepo) -> None:
    repo = git_repo({"a": "1", "b\nc": "2"})
    answer = git("ls-files", "-z", cwd=str(repo.path))
    assert answer.fields == ["a", "b\nc"]
    assert git("ls-files", "a", cwd=str(repo.path)).text == "a"
    assert git("ls-files", "a", cwd=str(repo.path)).lines == ["a"]
    empty = git("ls-files", "none", cwd=str(repo.path))
    assert (empty.lines, empty.fields, empty.text) == ([], [], "")


def test_undecodable_names_come_back_as_they_were(git_repo: MakeRepo) -> None:
    repo = git_repo()
    name = os.fsdecode(b"caf\xe9")
    repo.commit({name: "x"})
    assert name in git("ls-files", "-z", cwd=str(repo.path)).fields


def test_a_failure_tells_gits_own_reason_and_status(git_repo: MakeRepo) -> None:
    with pytest.raises(
        GitError, match=r"^git worktree add failed: invalid reference: nowhere$"
    ) as e:
        git("worktree", "add", "../w", "nowhere", cwd=str(git_repo().path))
    assert e.value.status == 128


def test_without_check_the_status_is_the_callers(git_repo: MakeRepo) -> None:
    answer = git("rev-parse", "--verify", "none", cwd=str(git_repo().path), check=False)
    assert answer.code == 128
    assert answer.reason == "Needed a single revision"


def test_input_is_sent_and_stdin_is_empty_otherwise(git_repo: MakeRepo) -> None:
    cwd = str(git_repo().path)
    blob = git("hash-object", "-w", "--stdin", cwd=cwd, input=b"hello").text
    assert git("cat-file", "blob", blob, cwd=cwd).stdout == b"hello"
    assert (
        git("hash-object", "--stdin", cwd=cwd).text == git("hash-object", "/dev/null", cwd=cwd).text
    )


def test_repository_variables_are_scrubbed_unless_they_are_meant(
    git_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, other = git_repo(), git_repo(name="other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    asked = ("rev-parse", "--absolute-git-dir")
    assert git(*asked, cwd=str(here.path)).text == str(here.path / ".git")
    assert git(*asked, cwd=str(here.path), keep_env=True).text == str(other.path / ".git")
    told = git(*asked, cwd=str(here.path), env={"GIT_DIR": str(other.path / ".git")})
    assert told.text == str(other.path / ".git")


def test_all_variables_that_git_calls_local_are_scrubbed() -> None:
    local = git("rev-parse", "--local-env-vars", cwd="/").lines
    assert set(local) <= set(gitvariables.LOCAL_ENV_VARS)


def test_a_worktree_can_be_added_within_a_pre_commit_hook_of_another(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "linked", "linked")
    index = str(repo.path / ".git/worktrees/linked/index")
    linked.write({"new": "staged"})
    linked.git("add", "new").ok()
    before = linked.out("ls-files")
    environment = {"GIT_DIR": str(repo.path / ".git/worktrees/linked"), "GIT_INDEX_FILE": index}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        git("worktree", "add", "-b", "x", str(tmp_path / "x"), "main", cwd=str(linked.path))
    assert linked.out("ls-files") == before
    assert Repo(path=tmp_path / "x").out("status", "--porcelain") == ""


def test_messages_are_in_english_whatever_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", 'echo "$LC_ALL,$LANGUAGE"', monkeypatch)
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert git("anything", cwd="/").text == "C,"


def test_a_call_that_takes_too_long_is_stopped_and_may_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"trap 'echo > {tmp_path}/cleaned; exit 1' TERM; while :; do sleep 0.05; done"
    fake_git(tmp_path / "bin", script, monkeypatch)
    with pytest.raises(GitError, match=r"git fetch did not end within 0\.3 s") as error:
        git("fetch", cwd="/", timeout=0.3)
    assert error.value.status is None
    assert (tmp_path / "cleaned").exists()


def test_a_git_that_ignores_the_request_to_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_module, "_PATIENCE_S", 0.2)
    fake_git(tmp_path / "bin", "trap '' TERM; while :; do sleep 0.05; done", monkeypatch)
    with pytest.raises(GitError, match="did not end"):
        git("fetch", cwd="/", timeout=0.2)


def test_a_background_child_of_a_hook_does_not_hold_the_call(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    done = tmp_path / "done"
    # The child holds git's stderr until somebody opens the gate.
    write_files(
        repo.path / ".git/hooks",
        {"post-checkout": f"#!/bin/sh\n(read -r line <'{gate}'; echo >'{done}') &\n"},
    )
    git("worktree", "add", "-b", "x", str(tmp_path / "x"), cwd=str(repo.path), timeout=20)
    assert not done.exists()
    gate.write_text("go\n")
    wait_until(done.exists, timeout=10, what="the hook's child to end")


def test_a_system_without_files_in_memory_will_do(
    git_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    answer = git("rev-parse", "--verify", "none", cwd=str(git_repo().path), check=False)
    assert answer.reason == "Needed a single revision"


def test_no_git_on_path_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not on PATH"):
        git("version", cwd="/")


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"gone does not exist"):
        git("version", cwd=str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39, 5)),
        ("git version 2.55.0.rc1.12.gabcdef", (2, 55, 0)),
    ],
)
def test_versions_are_read(
    text: str, version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", f"echo '{text}'", monkeypatch)
    assert git_version() == version
    require_git()


def test_an_old_git_is_refused_with_both_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", "echo git version 2.37.9", monkeypatch)
    with pytest.raises(GitError, match=r"git 2\.37\.9 is too old; bough needs 2\.38 or newer"):
        require_git()


def test_a_version_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path / "bin", "echo hello", monkeypatch)
    with pytest.raises(GitError, match="which is no version"):
        git_version()


def test_a_worktree_that_is_just_being_made_is_waited_for(git_repo: MakeRepo) -> None:
    repo = git_repo()
    linked = repo.worktree("../half", "half")
    commondir = Path(linked.out("rev-parse", "--absolute-git-dir")) / "commondir"
    content = commondir.read_bytes()
    commondir.write_bytes(b"")
    finish = threading.Timer(0.3, commondir.write_bytes, (content,))
    finish.start()
    try:
        assert len(git("worktree", "list", cwd=str(repo.path)).lines) == 2
    finally:
        finish.join()


def test_one_that_stays_half_made_is_told(
    git_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    linked = repo.worktree("../half", "half")
    (Path(linked.out("rev-parse", "--absolute-git-dir")) / "commondir").write_bytes(b"")
    monkeypatch.setattr(git_module, "_HALF_MADE_S", 0.1)
    with pytest.raises(GitError, match="commondir"):
        git("worktree", "list", cwd=str(repo.path))
