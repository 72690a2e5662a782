"""Installing the shims among git's hooks, and taking them away without a trace."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks import shims
from bough.hooks.repository import discover
from bough.hooks.shims import EVENTS, ShimError, State, install, status, uninstall
from tests.hooks.recorder import Recorder, commit, hook, installed
from tests.support.commands import run
from tests.support.needs import need_tool
from tests.support.repos import Repo, write_files
from tests.support.users import as_unprivileged_user

MakeRepo = Callable[..., Repo]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    return {
        file.name: (
            stat.S_IMODE(file.lstat().st_mode),
            os.readlink(file) if file.is_symlink() else file.read_bytes(),
        )
        for file in folder.iterdir()
    }


def test_uninstalling_leaves_everything_as_it_was(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    write_files(tmp_path, {"elsewhere": "#!/bin/sh\n"})
    hook(repo, "pre-commit").write_bytes(b"#!/bin/sh\n\xff\0no newline")
    hook(repo, "pre-commit").chmod(0o750)
    hook(repo, "pre-push").write_text("not executable\n")
    hook(repo, "commit-msg").symlink_to("../../elsewhere")
    hook(repo, "post-merge").symlink_to("nowhere")
    hook(repo, "update").write_text("not ours\n")
    before = snapshot(repo.path / ".git/hooks")
    here = discover(str(repo.path))
    report = install(here, command="/x/bough")
    assert report.chained == ("pre-commit", "commit-msg", "pre-push", "post-merge")
    assert report.written == EVENTS
    assert snapshot(repo.path / ".git/hooks") != before
    done = uninstall(here)
    assert snapshot(repo.path / ".git/hooks") == before
    assert set(done.restored) == set(report.chained)
    assert set(done.removed) | set(done.restored) == set(EVENTS)
    assert uninstall(here).removed == ()


def test_installing_again_changes_nothing(git_repo: MakeRepo) -> None:
    repo = git_repo()
    hook(repo, "pre-commit").write_text("#!/bin/sh\n")
    here = discover(str(repo.path))
    install(here, command="/x/bough")
    before = snapshot(repo.path / ".git/hooks")
    assert install(here, command="/x/bough").written == ()
    assert snapshot(repo.path / ".git/hooks") == before


def test_another_bough_replaces_the_shims_and_keeps_what_is_chained(git_repo: MakeRepo) -> None:
    repo = git_repo()
    hook(repo, "pre-commit").write_text("original\n")
    here = discover(str(repo.path))
    install(here, command="/x/bough")
    assert {entry.state for entry in status(here, command="/y/bough")} == {State.OUTDATED}
    report = install(here, command="/y/bough")
    assert (report.written, report.chained) == (EVENTS, ())
    assert {entry.state for entry in status(here, command="/y/bough")} == {State.INSTALLED}
    uninstall(here)
    assert hook(repo, "pre-commit").read_text() == "original\n"


def test_an_interrupted_installation_is_healed_by_either(git_repo: MakeRepo) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    for mend in (lambda: install(here, command="/x/bough"), lambda: None):
        hook(repo, "pre-commit.bough-chained").write_text("original\n")
        mend()
        uninstall(here)
        assert hook(repo, "pre-commit").read_text() == "original\n"
        hook(repo, "pre-commit").unlink()


def test_a_hook_that_took_a_shims_place_is_a_conflict_found_before_anything_is_written(
    git_repo: MakeRepo,
) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    hook(repo, "pre-push").write_text("original\n")
    install(here, command="/x/bough")
    hook(repo, "pre-push").write_text("another tool's\n")
    before = snapshot(repo.path / ".git/hooks")
    with pytest.raises(ShimError, match="is not bough's shim any more"):
        install(here, command="/y/bough")
    assert snapshot(repo.path / ".git/hooks") == before
    report = uninstall(here)
    assert hook(repo, "pre-push").read_text() == "another tool's\n"
    assert hook(repo, "pre-push.bough-chained").read_text() == "original\n"
    assert "pre-push" in report.notes[0]


def test_the_states_are_told(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    assert {entry.state for entry in status(here, command="")} == {State.ABSENT}
    hook(repo, "pre-push").write_text("x")
    assert State.FOREIGN in {entry.state for entry in status(here, command="")}
    install(here, command="")
    # All worktrees share them.
    linked = discover(str(repo.worktree(tmp_path / "w", "w").path))
    states = status(linked, command="")
    assert {entry.state for entry in states} == {State.INSTALLED}
    assert [entry.event for entry in states if entry.chained] == ["pre-push"]
    assert {os.path.dirname(entry.path) for entry in states} == {f"{repo.path}/.git/hooks"}


def test_a_repository_without_a_hooks_folder_gets_one(git_repo: MakeRepo) -> None:
    repo = git_repo()
    shutil.rmtree(repo.path / ".git/hooks")
    installed(repo)
    assert {entry.state for entry in status(discover(str(repo.path)), command="")} == {
        State.INSTALLED
    }


def test_a_folder_shared_by_all_repositories_is_refused_unless_forced(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    shared = tmp_path / "shared"
    shared.mkdir()
    repo.git("config", "--global", "core.hooksPath", shared).ok()
    here = discover(str(repo.path))
    with pytest.raises(shims.SharedHooks, match="global configuration") as error:
        install(here, command="")
    assert "--force" in error.value.hint
    assert list(shared.iterdir()) == []
    report = install(here, command="", force=True)
    assert report.folder == str(shared)
    assert len(list(shared.iterdir())) == len(EVENTS)


def test_a_folder_of_the_repositorys_own_choice_is_used(
    git_repo: MakeRepo, recorder: Recorder
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    repo.git("config", "core.hooksPath", "my hooks").ok()
    report = install(discover(str(repo.path)), command="")
    assert report.folder == f"{repo.path}/my hooks"
    assert "core.hooksPath (local configuration)" in report.notes[0]
    commit(repo).ok()
    assert recorder.events[0] == "pre-commit"
    assert not hook(repo, "pre-commit").exists()


def test_a_folder_of_one_worktrees_own_is_used(
    git_repo: MakeRepo, recorder: Recorder, tmp_path: Path
) -> None:
    repo = git_repo({"bough.yml": "{}\n"})
    linked = repo.worktree(tmp_path / "w", "w")
    repo.git("config", "extensions.worktreeConfig", "true").ok()
    linked.git("config", "--worktree", "core.hooksPath", tmp_path / "own").ok()
    report = install(discover(str(linked.path)), command="")
    assert report.folder == str(tmp_path / "own")
    assert "core.hooksPath (worktree configuration)" in report.notes[0]
    commit(repo).ok()
    assert recorder.calls == []
    commit(linked).ok()
    assert recorder.events[0] == "pre-commit"


def test_shims_from_before_a_folder_was_chosen_are_found_again(git_repo: MakeRepo) -> None:
    repo = installed(git_repo())
    repo.git("config", "core.hooksPath", "other").ok()
    report = uninstall(discover(str(repo.path)))
    assert set(report.removed) == set(EVENTS)


def test_a_hooks_path_that_is_no_folder_is_refused(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.git("config", "core.hooksPath", "/dev/null").ok()
    with pytest.raises(ShimError, match="/dev/null, which cannot be a folder"):
        install(discover(str(repo.path)), command="")


def test_a_hooks_folder_that_may_not_be_written_is_said(git_repo: MakeRepo) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    (repo.path / ".git/hooks").chmod(0o500)

    def refusal() -> str:
        with pytest.raises(ShimError) as error:
            install(here, command="")
        return error.value.message

    message = as_unprivileged_user(refusal)
    assert message == f"cannot change the hooks in {repo.path}/.git/hooks: Permission denied"


def test_a_folder_in_a_hooks_place_is_refused(git_repo: MakeRepo) -> None:
    repo = git_repo()
    hook(repo, "pre-push").mkdir()
    with pytest.raises(ShimError, match="is a folder"):
        install(discover(str(repo.path)), command="")
    assert not hook(repo, "pre-commit").exists()


def test_the_shims_are_executable_whatever_the_umask(git_repo: MakeRepo) -> None:
    repo = git_repo()
    before = os.umask(0o077)
    try:
        installed(repo)
    finally:
        os.umask(before)
    assert hook(repo, "pre-commit").stat().st_mode & 0o777 == 0o755


def test_the_way_out_of_a_conflict_can_be_pasted(git_repo: MakeRepo) -> None:
    repo = git_repo(name="a b")
    here = discover(str(repo.path))
    hook(repo, "pre-push").write_text("original\n")
    install(here, command="")
    hook(repo, "pre-push").write_text("other\n")
    with pytest.raises(ShimError) as error:
        install(here, command="")
    command = error.value.hint.partition(": ")[2]
    shown = run([need_tool("bash"), "-c", command]).ok().stdout
    assert "original" in shown
    assert "other" in shown
    assert shlex.split(command)[0] == "head"
