"""When a shim calls bough, and what it does with the hook that was there, with real git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.repository import discover, worktrees
from bough.worktree.markers import mark
from tests.hooks.recorder import Recorder, commit, hook, installed
from tests.support.commands import run
from tests.support.needs import need_tool
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]


# --- when bough is called


def test_a_worktree_that_plain_git_creates_is_told_to_bough(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = installed(git_repo())
    head = repo.out("rev-parse", "HEAD")
    linked = repo.worktree(tmp_path / "w", "w")
    assert recorder.calls == [["__hook", "post-checkout", "0" * 40, head, "1"]]
    assert recorder.folders == [str(linked.path)]


@pytest.mark.parametrize("extra", [["--detach"], ["-b", "x"], ["--lock", "-b", "x"]])
def test_every_creation_with_a_checkout_counts(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path, extra: list[str]
) -> None:
    repo = installed(git_repo())
    repo.git("worktree", "add", *extra, tmp_path / "w").ok()
    assert recorder.events == ["post-checkout"]


def test_a_creation_from_within_a_bare_repository_counts(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    run(["git", "clone", "--quiet", "--bare", git_repo().path, tmp_path / "b.git"]).ok()
    bare = Repo(path=tmp_path / "b.git")
    installed(bare)
    bare.git("worktree", "add", tmp_path / "w", "main").ok()
    assert recorder.events == ["post-checkout"]


def test_a_repository_with_sha256_has_longer_zeros(recorder: Recorder, tmp_path: Path) -> None:
    run(["git", "init", "--quiet", "--object-format=sha256", tmp_path / "r"]).ok()
    repo = Repo(path=tmp_path / "r")
    repo.commit({"f": "1"})
    installed(repo)
    repo.worktree(tmp_path / "w", "w")
    assert recorder.calls[0][2] == "0" * 64


def test_a_marked_worktree_is_not_created_again(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = git_repo()
    linked = repo.worktree(tmp_path / "w", "w")
    entry = worktrees(discover(str(repo.path)))[1]
    assert mark(discover(str(repo.path)), entry)
    installed(repo)
    # Leaving a branch without commits looks like a creation to the hook: from nothing.
    linked.git("switch", "--quiet", "--orphan", "empty").ok()
    linked.git("switch", "--quiet", "w").ok()
    assert recorder.calls == []


def test_the_main_worktree_is_never_taken_for_a_new_one(
    git_repo: MakeRepo, recorder: Recorder
) -> None:
    repo = installed(git_repo())
    repo.git("switch", "--quiet", "--orphan", "empty").ok()
    repo.git("switch", "--quiet", "main").ok()
    assert recorder.calls == []


def test_a_submodule_is_no_worktree(git_repo: MakeRepo, recorder: Recorder) -> None:
    inner, outer = git_repo(name="inner"), git_repo(name="outer")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    outer.git(*add, inner.path, "sub").ok()
    sub = installed(Repo(path=outer.path / "sub"))
    sub.git("switch", "--quiet", "--orphan", "empty").ok()
    sub.git("switch", "--quiet", "main").ok()
    assert recorder.calls == []


def test_nothing_declared_nothing_called(git_repo: MakeRepo, recorder: Recorder) -> None:
    repo = installed(git_repo())
    commit(repo).ok()
    repo.git("switch", "--quiet", "-c", "other").ok()
    repo.git("rebase", "main").ok()
    assert recorder.calls == []


@pytest.mark.parametrize(
    "name", ["bough.yml", ".bough.yaml", ".config/bough.yml", "bough.local.yml"]
)
def test_with_a_configuration_each_hook_is_told_with_its_arguments(
    git_repo: MakeRepo, recorder: Recorder, name: str
) -> None:
    repo = installed(git_repo({name: "hooks: {}\n", "sub/f": "1"}))
    run(["git", "commit", "--allow-empty", "-m", "x"], cwd=repo.path / "sub").ok()
    assert recorder.calls == [
        ["__hook", "pre-commit"],
        ["__hook", "prepare-commit-msg", ".git/COMMIT_EDITMSG", "message"],
        ["__hook", "commit-msg", ".git/COMMIT_EDITMSG"],
        ["__hook", "post-commit"],
    ]
    assert recorder.folders == [str(repo.path)] * 4


def test_a_refusal_of_bough_stops_git(
    git_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Recorder(tmp_path / "no", code=5)
    monkeypatch.setenv("BOUGH_BIN", str(refusing.path))
    repo = installed(git_repo({"bough.yml": "{}\n"}))
    head = repo.out("rev-parse", "HEAD")
    assert commit(repo).returncode == 1
    assert refusing.events == ["pre-commit"]
    assert repo.out("rev-parse", "HEAD") == head


def test_bough_0_switches_bough_off(git_repo: MakeRepo, recorder: Recorder, tmp_path: Path) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    earlier = Recorder(repo.path / ".git/hooks", "pre-commit")
    installed(repo)
    commit(repo, BOUGH="0").ok()
    repo.git("worktree", "add", tmp_path / "w", env={"BOUGH": "0"}).ok()
    assert recorder.calls == []
    assert earlier.calls == [[]]


@pytest.mark.parametrize(
    "name",
    ["with space", "quote'\"$(touch pwned)`x`", "new\nline", "glob*[a]?", "caf\udce9", "-rf"],
)
def test_hostile_paths_are_just_paths(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path, name: str
) -> None:
    repo = git_repo(name=name)
    linked = installed(repo).worktree(tmp_path / f"{name} w", "w")
    assert recorder.events == ["post-checkout"]
    assert linked.path.is_dir()
    assert mark(discover(str(repo.path)), worktrees(discover(str(repo.path)))[1])
    linked.git("checkout", "--quiet", "--detach").ok()
    assert recorder.events == ["post-checkout"]
    assert not (repo.path / "pwned").exists()
    assert not (linked.path / "pwned").exists()


@pytest.mark.parametrize("shell", ["dash", "bash", "zsh"])
def test_the_script_runs_in_every_shell_that_may_be_sh(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path, shell: str
) -> None:
    program = need_tool(shell)
    mode = {"bash": ["--posix"], "zsh": ["--emulate", "sh"]}.get(shell, [])
    repo = git_repo({"bough.yml": "{}\n"})
    earlier = Recorder(repo.path / ".git/hooks", "pre-push", code=0)
    installed(repo)
    linked = repo.worktree(tmp_path / "w", "w")
    before = len(recorder.calls)
    for name, arguments in (
        ("pre-push", ["a b", "*"]),
        ("post-checkout", ["0" * 40, "1" * 40, "1"]),
    ):
        argv = [program, *mode, str(hook(repo, name)), *arguments]
        run(argv, cwd=linked.path, stdin="one\ntwo\n").ok()
    assert recorder.calls[before:] == [
        ["__hook", "pre-push", "a b", "*"],
        ["__hook", "post-checkout", "0" * 40, "1" * 40, "1"],
    ]
    assert recorder.inputs[before] == "one\ntwo\n"
    assert earlier.inputs == ["one\ntwo\n"]


# --- the hook that was there


def test_a_hook_that_was_there_runs_first_with_its_arguments(
    git_repo: MakeRepo, recorder: Recorder
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    earlier = Recorder(repo.path / ".git/hooks", "commit-msg")
    installed(repo)
    commit(repo).ok()
    assert earlier.calls == [[".git/COMMIT_EDITMSG"]]
    assert "commit-msg" in recorder.events


@pytest.mark.parametrize("name", ["pre-commit", "prepare-commit-msg", "commit-msg"])
def test_where_git_asks_for_permission_its_refusal_stands(
    git_repo: MakeRepo, recorder: Recorder, name: str
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    Recorder(repo.path / ".git/hooks", name, code=9)
    installed(repo)
    assert commit(repo).returncode == 1
    assert name not in recorder.events


def test_its_status_is_passed_on_also_when_bough_has_nothing_to_do(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = git_repo()
    Recorder(repo.path / ".git/hooks", "post-checkout", code=7)
    installed(repo)
    assert repo.git("switch", "-c", "other").returncode == 1  # git says 1 for any
    assert recorder.calls == []
    assert repo.git("worktree", "add", tmp_path / "w").returncode == 7
    assert recorder.events == ["post-checkout"]


def test_what_git_sends_reaches_both(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    repo.with_origin(tmp_path / "origin.git")
    earlier = Recorder(repo.path / ".git/hooks", "pre-push")
    installed(repo)
    repo.branch("x")
    repo.git("push", "--quiet", "origin", "x").ok()
    head = repo.out("rev-parse", "x")
    expected = f"refs/heads/x {head} refs/heads/x {'0' * 40}\n"
    assert earlier.inputs == [expected]
    assert recorder.inputs == [expected]


def test_a_hook_without_a_first_line_runs_as_git_runs_it(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = git_repo()
    hook(repo, "pre-commit").write_text(f"echo ran >'{tmp_path}/ran'\n")
    hook(repo, "pre-commit").chmod(0o755)
    installed(repo)
    commit(repo).ok()
    assert (tmp_path / "ran").read_text() == "ran\n"
    repo.write({"bough.yml": "{}\n"})
    (tmp_path / "ran").unlink()
    commit(repo).ok()
    assert (tmp_path / "ran").exists()
    assert "pre-commit" in recorder.events


def test_a_hook_that_is_not_executable_stays_without_effect(
    git_repo: MakeRepo, recorder: Recorder
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    hook(repo, "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    installed(repo)
    commit(repo).ok()
    assert "pre-commit" in recorder.events
