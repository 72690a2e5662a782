"""Creating worktrees with real git: refusals before anything is touched, and nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks.git import GitError
from bough.hooks.repository import worktrees
from bough.worktree import creation
from bough.worktree.branches import all_bases, base_of
from bough.worktree.creation import Creation, create
from bough.worktree.errors import (
    BranchExists,
    CreationFailed,
)
from tests.support.commands import run
from tests.support.repos import Repo, write_files
from tests.support.waiting import wait_until
from tests.worktree.creating import existing, new, seen, state

MakeRepo = Callable[..., Repo]


def failing_filter(repo: Repo) -> None:
    """From now on a checkout of this repository fails in its middle."""
    repo.commit({".gitattributes": "bad filter=broken\n", "bad": "x", "a": "1", "z": "1"})
    repo.git("config", "filter.broken.smudge", "false").ok()
    repo.git("config", "filter.broken.required", "true").ok()


# --- what is created


def test_a_new_branch_begins_at_the_current_one_and_remembers_it(git_repo: MakeRepo) -> None:
    repo = git_repo()
    head = repo.out("rev-parse", "HEAD")
    wanted = new(repo, "feature/x")
    assert wanted == Creation(
        branch="feature/x",
        path=f"{repo.path}.feature-x",
        commit=head,
        new_branch=True,
        base="main",
    )
    made = create(seen(repo), wanted)
    assert (made.entry.path, made.entry.branch, made.entry.head, made.warning) == (
        f"{repo.path}.feature-x",
        "feature/x",
        head,
        "",
    )
    assert made.entry.admin_id == "repo.feature-x"
    assert Path(made.entry.path, "README.md").read_text() == "sample\n"
    assert base_of(seen(repo), "feature/x") == "main"
    assert repo.git("config", "branch.feature/x.merge").returncode == 1


def test_the_base_can_be_given_or_configured(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("release/1", {"f": "1"})
    released = repo.out("rev-parse", "release/1")
    assert (new(repo, "x", "release/1").commit, new(repo, "x", "release/1").base) == (
        released,
        "release/1",
    )
    assert new(repo, "x", "release/1~1").base is None
    repo.git("config", "bough.start.base", "release/1").ok()
    assert new(repo, "x").base == "release/1"
    assert new(repo, "x", "main").base == "main"
    assert new(repo, "x", "HEAD").base == "main"


def test_from_a_detached_head_there_is_a_commit_but_no_base(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.git("checkout", "--quiet", "--detach").ok()
    wanted = new(repo, "x")
    assert (wanted.base, wanted.commit) == (None, repo.out("rev-parse", "HEAD"))
    create(seen(repo), wanted)
    assert all_bases(seen(repo)) == {}


def test_a_branch_from_a_remote_base_does_not_follow_it(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.with_origin(tmp_path / "origin.git")
    repo.git("config", "branch.autoSetupMerge", "always").ok()
    create(seen(repo), new(repo, "x", "origin/main"))
    assert base_of(seen(repo), "x") == "origin/main"
    assert repo.git("rev-parse", "x@{upstream}").returncode != 0


def test_the_bases_of_all_branches_are_read_at_once(git_repo: MakeRepo) -> None:
    repo = git_repo()
    for name in ("Fix", "fe/at.u-re", "q'\"$(x)"):
        create(seen(repo), new(repo, name))
    assert all_bases(seen(repo)) == dict.fromkeys(("Fix", "fe/at.u-re", "q'\"$(x)"), "main")


def test_an_existing_branch_gets_a_worktree(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("other", {"f": "1"})
    wanted = existing(repo, "other")
    assert (wanted.new_branch, wanted.commit) == (False, repo.out("rev-parse", "other"))
    assert create(seen(repo), wanted).entry.branch == "other"


def test_a_branch_of_a_remote_is_followed(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    repo.branch("their/work", {"f": "1"})
    repo.with_origin(tmp_path / "origin.git")
    repo.git("branch", "-D", "their/work").ok()
    made = create(seen(repo), existing(repo, "their/work", track="origin/their/work"))
    assert Path(made.entry.path, "f").read_text() == "1"
    assert repo.out("rev-parse", "--abbrev-ref", "their/work@{u}") == "origin/their/work"


def test_a_worktree_is_made_from_a_bare_repository(git_repo: MakeRepo, tmp_path: Path) -> None:
    bare = tmp_path / "project/.git"
    run(["git", "clone", "--quiet", "--bare", git_repo().path, bare]).ok()
    repo = Repo(path=Path(os.path.realpath(bare)))
    made = create(seen(repo), new(repo, "a/b", layout="contained"))
    assert made.entry.path == f"{repo.path.parent}/a/b"
    assert base_of(seen(repo), "a/b") == "main"


def test_an_empty_folder_in_place_is_used(git_repo: MakeRepo) -> None:
    repo = git_repo()
    Path(f"{repo.path}.x").mkdir()
    assert create(seen(repo), new(repo, "x")).entry.branch == "x"


@pytest.mark.parametrize("branch", ["$(touch${IFS}pwned)", "`x`", "a'b\"c", "日本/語", "é;#&|!"])
def test_a_hostile_branch_name_is_just_a_name(git_repo: MakeRepo, branch: str) -> None:
    repo = git_repo()
    assert create(seen(repo), new(repo, branch)).entry.branch == branch
    assert not (repo.path / "pwned").exists()


def test_a_nested_worktree_is_invisible_in_the_main_one(git_repo: MakeRepo) -> None:
    repo = git_repo()
    exclude = repo.path / ".git/info/exclude"
    exclude.write_text("no newline at end")
    for branch in ("x", "y"):
        create(seen(repo), new(repo, branch, layout="nested"))
    assert (repo.path / ".worktrees/x/README.md").exists()
    assert repo.out("status", "--porcelain") == ""
    assert exclude.read_text() == "no newline at end\n/.worktrees/\n"


def test_a_nested_worktree_that_cannot_be_hidden_is_there_with_a_warning(
    git_repo: MakeRepo,
) -> None:
    repo = git_repo()
    shutil.rmtree(repo.path / ".git/info", ignore_errors=True)
    repo.write({".git/info": "a file, where a folder should be"})
    made = create(seen(repo), new(repo, "x", layout="nested"))
    assert made.entry.branch == "x"
    assert made.warning.startswith(f"{repo.path}/.git/info/exclude does not say /.worktrees/: ")


def test_any_worktree_inside_the_main_one_is_invisible_there(git_repo: MakeRepo) -> None:
    repo = git_repo()
    shutil.rmtree(repo.path / ".git/info", ignore_errors=True)
    create(seen(repo), new(repo, "x/y", layout="{repo_path}/trees/{branch}"))
    assert repo.out("status", "--porcelain") == ""
    repo.write({"trees/other": "seen"})
    assert repo.out("status", "--porcelain") == "?? trees/"


def test_names_that_differ_only_by_case_get_different_folders(git_repo: MakeRepo) -> None:
    repo = git_repo()
    Path(f"{repo.path}.Fix").mkdir()
    path = new(repo, "fix").path
    assert path.startswith(f"{repo.path}.fix-")
    assert path.casefold() != f"{repo.path}.fix".casefold()


# --- what is left of a failure


def test_a_failed_checkout_leaves_nothing_and_tells_gits_reason(git_repo: MakeRepo) -> None:
    repo = git_repo()
    failing_filter(repo)
    before = state(repo)
    with pytest.raises(CreationFailed, match=r"bad: smudge filter broken failed"):
        create(seen(repo), new(repo, "x", layout="../deep/er/{branch_slug}"))
    assert state(repo) == before


def test_a_failure_does_not_take_an_existing_branch_along(git_repo: MakeRepo) -> None:
    repo = git_repo()
    failing_filter(repo)
    repo.branch("x")
    before = state(repo)
    with pytest.raises(CreationFailed):
        create(seen(repo), existing(repo, "x"))
    assert state(repo) == before


def test_a_refusal_by_a_reference_transaction_hook_leaves_nothing(git_repo: MakeRepo) -> None:
    repo = git_repo()
    refuse_head = "while read -r old new ref; do [ $ref != HEAD ] || exit 1; done"
    hook = f"#!/bin/sh\n[ $1 = prepared ] || exit 0\n{refuse_head}\n"
    write_files(repo.path / ".git/hooks", {"reference-transaction": hook})
    before = state(repo)
    with pytest.raises(CreationFailed):
        create(seen(repo), new(repo, "x"))
    assert state(repo) == before


def test_who_loses_the_race_for_the_branch_leaves_the_winners_folder(git_repo: MakeRepo) -> None:
    repo = git_repo()
    wanted = new(repo, "x")
    # The winner's git has just made the folder, and not yet put anything into it.
    hook = f"#!/bin/sh\ngrep -q refs/heads/x || exit 0\nmkdir -p '{wanted.path}'\nexit 1\n"
    write_files(repo.path / ".git/hooks", {"reference-transaction": hook})
    with pytest.raises(CreationFailed):
        create(seen(repo), wanted)
    assert Path(wanted.path).is_dir()


def test_a_race_for_the_branch_has_one_winner_who_keeps_it(git_repo: MakeRepo) -> None:
    repo = git_repo()
    wanted = new(repo, "x")
    repo.branch("x", {"f": "somebody else's"})
    before = state(repo)
    with pytest.raises(BranchExists, match="another command was quicker"):
        create(seen(repo), wanted)
    assert state(repo) == before


def test_a_race_for_the_worktree_has_one_winner_who_keeps_it(git_repo: MakeRepo) -> None:
    repo = git_repo()
    repo.branch("x")
    wanted = existing(repo, "x")
    create(seen(repo), wanted)
    before = state(repo)
    with pytest.raises(CreationFailed, match="already"):
        create(seen(repo), wanted)
    assert state(repo) == before


def test_a_failing_post_checkout_hook_is_a_warning(git_repo: MakeRepo) -> None:
    repo = git_repo()
    write_files(repo.path / ".git/hooks", {"post-checkout": "#!/bin/sh\necho no >&2\nexit 7\n"})
    made = create(seen(repo), new(repo, "x"))
    assert made.entry.branch == "x"
    assert made.warning == "post-checkout ended with status 7: no"


def test_a_checkout_that_never_ends_is_stopped_and_undone(
    git_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    repo.commit({".gitattributes": "f filter=slow\n", "f": "x"})
    repo.git("config", "filter.slow.smudge", f"cat '{gate}'").ok()
    before = state(repo)
    monkeypatch.setattr(creation, "CHECKOUT_TIMEOUT_S", 1.0)
    wanted = new(repo, "x")
    try:
        with pytest.raises(GitError, match="did not end within 1 s"):
            create(seen(repo), wanted)
    finally:
        # The filter outlives git, waiting for somebody to write.
        os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))
        wait_until(lambda: not readers(gate), timeout=10, what="the filter to end")
    assert state(repo) == before


def readers(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


STARTER = """
import sys
from bough.hooks.repository import discover
from bough.worktree.creation import create, resolve_new
from bough.worktree.placement import Placement
repo = discover(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
placement = Placement(layout="sibling", data_dir="/nonexistent")
print(create(repo, resolve_new(repo, sys.argv[2], base=None, placement=placement)).entry.path)
"""


def test_many_worktrees_can_be_started_at_once(git_repo: MakeRepo) -> None:
    repo = git_repo()
    read_end, write_end = os.pipe()
    starters = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", STARTER, str(repo.path), f"b{number}"],
            stdin=read_end,
            stdout=subprocess.PIPE,
        )
        for number in range(5)
    ]
    os.close(read_end)
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
    os.close(write_end)
    outputs = [starter.communicate(timeout=60)[0].decode().strip() for starter in starters]
    assert outputs == [f"{repo.path}.b{number}" for number in range(5)]
    assert all_bases(seen(repo)) == {f"b{number}": "main" for number in range(5)}
    assert len(worktrees(seen(repo))) == 6
