"""Completion's entry as shells run it: what it offers, what it may not do, what it may not load."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bough.coordinator import places
from bough.coordinator.model import Change, Status
from bough.coordinator.store import jobs as rows
from bough.coordinator.store import schemas
from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
from bough.worktree.cli import complete
from bough.worktree.cli.vocabulary import BOUGH, CHOICES
from tests.support.commands import Finished, run
from tests.support.engine import foreground, new_invocation
from tests.support.repos import Repo

MakeRepo = Callable[..., Repo]

FORBIDDEN = frozenset(
    {"typer", "rich", "yaml", "pydantic", "psutil", "platformdirs", "asyncio", "sqlite3"}
    | {"dataclasses", "typing", "pathlib", "subprocess", "re", "logging", "tempfile", "shutil"}
    | {"contextlib", "enum", "json", "argparse", "importlib", "collections", "functools"}
)
BY_SQLITE = frozenset({"collections", "functools"})
"""What `_sqlite3` itself imports."""


def invoke(*argv: str, cwd: Path | str) -> Finished:
    return run([sys.executable, "-I", "-S", complete.__file__, *argv], cwd=cwd)


def offered(*words: str, cwd: Path | str) -> list[str]:
    """The candidates for the last of `words`."""
    done = invoke(str(len(words)), "bough", *words, cwd=cwd).ok()
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def repo(git_repo: MakeRepo) -> Repo:
    return git_repo()


# --- words


def test_verbs_are_offered_but_not_their_short_forms(repo: Repo) -> None:
    found = offered("", cwd=repo.path)
    assert found == sorted(name for name, verb in BOUGH.verbs.items() if not verb.hidden)
    assert "remove" in found
    assert "rm" not in found
    assert offered("re", cwd=repo.path) == ["remove"]


def test_verbs_below_a_verb_are_offered(repo: Repo) -> None:
    assert offered("jobs", "", cwd=repo.path) == ["cancel", "list", "locks", "logs", "show"]
    assert offered("-C", str(repo.path), "-q", "hooks", "un", cwd="/") == ["uninstall"]


def test_options_are_those_of_the_verb(repo: Repo) -> None:
    assert offered("remove", "--fo", cwd=repo.path) == ["--force", "--force-branch", "--format"]
    assert offered("rm", "--keep", cwd=repo.path) == ["--keep-branch"]
    assert "--help" in offered("list", "-", cwd=repo.path)
    assert "--since-seq" in offered("jobs", "logs", "job", "--", cwd=repo.path)
    assert offered("start", "x", "--", "--", cwd=repo.path) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list", "--format", ""], sorted(CHOICES["formats"])),
        (["list", "--format=j"], ["--format=json"]),
        (["start", "--hooks", "b"], ["background"]),
        (["start", "--layout", "contained"], ["contained", "contained-flat"]),
        (["jobs", "--status", "can"], ["cancelled", "cancelling"]),
        (["hooks", "run", "pre-c"], ["pre-commit"]),
        (["jobs", "--hook=worktree-post-c"], ["--hook=worktree-post-create"]),
        (["completions", ""], ["bash", "fish", "zsh"]),
        (["trust", "l"], ["list"]),
        (["jobs", "--limit", ""], []),
        (["start", ""], []),
        (["list", ""], []),
        (["none", ""], []),
        (["hooks", "run", "pre-commit", ""], []),
        (["go", "--exec", ""], []),
    ],
)
def test_values_come_from_their_source(repo: Repo, words: list[str], expected: list[str]) -> None:
    assert offered(*words, cwd=repo.path) == expected


def test_folders_are_offered_where_a_folder_is_wanted(repo: Repo, tmp_path: Path) -> None:
    for name in ("one", "two/deep", "new\nline"):
        (tmp_path / "in" / name).mkdir(parents=True)
    (tmp_path / "in/file").touch()
    here = tmp_path / "in"
    assert offered("-C", "", cwd=here) == ["one/", "two/"]
    assert offered("-C", "two/", cwd=here) == ["two/deep/"]
    assert offered("-C", "two", "-C", "", cwd=here) == ["deep/"]
    assert offered("demo", "--dir", f"{here}/o", cwd=repo.path) == [f"{here}/one/"]
    assert offered("-C", "nowhere/", cwd=here) == []


# --- branches and worktrees


def test_go_offers_branches_from_everywhere_and_detached_worktrees(
    repo: Repo, tmp_path: Path
) -> None:
    repo.branch("feature/a")
    repo.branch("remote/only")
    repo.with_origin(tmp_path / "origin.git")
    repo.git("branch", "-D", "remote/only").ok()
    repo.worktree(tmp_path / "w", "feature/b")
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "try it").ok()
    expected = ["feature/a", "feature/b", "main", "remote/only", "try it"]
    assert offered("go", "", cwd=repo.path) == expected
    assert offered("go", "", cwd=tmp_path / "w") == expected
    assert offered("-C", str(repo.path), "go", "", cwd="/") == expected
    assert offered("go", "feature/", cwd=repo.path) == ["feature/a", "feature/b"]
    assert offered("go", "origin/f", cwd=repo.path) == ["origin/feature/a"]


def test_start_offers_bases_after_the_new_name(repo: Repo, tmp_path: Path) -> None:
    repo.with_origin(tmp_path / "origin.git")
    repo.git("tag", "v1").ok()
    assert offered("start", "x", "", cwd=repo.path) == ["main", "origin/main", "v1"]
    assert offered("start", "x", "main", "", cwd=repo.path) == []


def test_remove_offers_what_can_go_again_and_again(repo: Repo, tmp_path: Path) -> None:
    repo.branch("lonely")
    repo.worktree(tmp_path / "w", "feature/a")
    repo.git("worktree", "add", "--quiet", "--detach", tmp_path / "loose").ok()
    assert offered("remove", "", cwd=repo.path) == ["feature/a", "loose"]
    assert offered("rm", "-f", "feature/a", "l", cwd=repo.path) == ["loose"]
    assert offered("jobs", "--worktree", "", cwd=repo.path) == ["feature/a", "loose", "main"]


def test_hostile_names_are_offered_as_they_are_but_no_control_characters(
    repo: Repo, tmp_path: Path
) -> None:
    names = ["$(touch${IFS}x)", "a'b\"c", "caf\udce9", "日本/語", "`x`;&|<>"]
    for name in names:
        repo.branch(name)
    for folder in ("new\nline", "esc\x1b[2J", "tab\t", "fine one"):
        repo.git("worktree", "add", "--quiet", "--detach", tmp_path / folder).ok()
    assert offered("go", "", cwd=repo.path) == sorted([*names, "main", "fine one"], key=os.fsencode)
    assert offered("go", "caf\udce9", cwd=repo.path) == ["caf\udce9"]


# --- jobs


@pytest.fixture
def with_jobs(repo: Repo) -> Repo:
    state = places.for_repository(repo_id(discover(str(repo.path))).value)
    with closing(schemas.write_repository(state)) as connection:
        first = new_invocation(id="aaaaaa1111111111", worktree_name="w t")
        rows.insert(connection, first, [foreground("build"), foreground("test:unit")], by="test")
        second = new_invocation(id="bbbbbb2222222222", worktree_name="repo")
        hostile = [foreground("build"), foreground("../../x"), foreground("new\nline")]
        (build, *_) = rows.insert(connection, second, hostile, by="test")
        ended = Change(to=Status.CANCELLED, by="test", finished_at=1)
        rows.move(connection, build, ended)
    return repo


def test_jobs_are_offered_by_name_once(with_jobs: Repo) -> None:
    for verb in ("logs", "show"):
        assert offered("jobs", verb, "", cwd=with_jobs.path) == ["../../x", "build", "test:unit"]


def test_after_a_colon_whole_addresses_are_offered(with_jobs: Repo) -> None:
    at = with_jobs.path
    assert offered("jobs", "show", "bbbbbb:", cwd=at) == ["bbbbbb:../../x", "bbbbbb:build"]
    assert offered("jobs", "show", "w t:", cwd=at) == ["w t:build", "w t:test:unit"]
    assert offered("jobs", "show", "test:", cwd=at) == ["test:unit"]


def test_only_what_runs_or_waits_can_be_cancelled(with_jobs: Repo) -> None:
    expected = ["bbbbbb:../../x"]
    assert offered("jobs", "cancel", "bbbbbb:", cwd=with_jobs.path) == expected


def test_invocations_are_offered_for_the_filter(with_jobs: Repo) -> None:
    assert offered("jobs", "--inv", "", cwd=with_jobs.path) == ["aaaaaa", "bbbbbb"]


def test_without_a_history_there_are_no_jobs(repo: Repo) -> None:
    assert offered("jobs", "logs", "", cwd=repo.path) == []
    repo_id(discover(str(repo.path)))
    assert offered("jobs", "logs", "", cwd=repo.path) == []


# --- what it may not do


def test_outside_of_a_repository_words_are_still_offered(tmp_path: Path) -> None:
    assert offered("jo", cwd=tmp_path) == ["jobs"]
    assert offered("go", "", cwd=tmp_path) == []
    assert offered("jobs", "logs", "", cwd=tmp_path) == []


@pytest.mark.parametrize(
    "argv", [[], ["x"], ["1"], ["99", "bough", "go"], ["-1", "bough"], ["1", "bough", "\udcff"]]
)
def test_whatever_it_is_given_it_does_not_complain(repo: Repo, argv: list[str]) -> None:
    done = invoke(*argv, cwd=repo.path).ok()
    assert done.stderr == ""


def test_a_current_folder_that_is_gone_is_no_complaint(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD"; exec "$@"'
    argv = [sys.executable, "-I", "-S", complete.__file__, "1", "bough", ""]
    done = run(["sh", "-c", script, "sh", *argv], cwd=gone).ok()
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_is_written_anywhere(with_jobs: Repo, tmp_path: Path) -> None:
    def everything() -> set[tuple[str, int]]:
        roots = [tmp_path, Path(os.environ["BOUGH_STATE_DIR"]), Path(os.environ["HOME"])]
        return {
            (str(path), path.lstat().st_mtime_ns)
            for root in roots
            for path in [root, *root.rglob("*")]
        }

    before = everything()
    for words in (["go", ""], ["remove", ""], ["jobs", "logs", ""], ["start", "x", ""]):
        offered(*words, cwd=with_jobs.path)
    assert everything() == before


def test_the_command_itself_answers_the_same(repo: Repo, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.getcwd()
    os.chdir(repo.path)
    try:
        assert complete.main(["2", "bough", "go", ""]) == 0
    finally:
        os.chdir(before)
    assert capfd.readouterr().out == "main\n"


LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
from bough.worktree.cli import complete
complete.main(sys.argv[2:])
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [["go", ""], ["remove", ""], ["jobs", "logs", ""], ["jobs", "cancel", ""], ["-"], ["-C", ""]],
)
def test_no_heavy_module_is_loaded(with_jobs: Repo, words: list[str]) -> None:
    package_parent = os.path.abspath(f"{complete.__file__}/../../../..")
    argv = [sys.executable, "-I", "-S", "-c", LOADED, package_parent, str(len(words)), "bough"]
    done = run([*argv, *words], cwd=with_jobs.path).ok()
    loaded = set(done.stderr.split())
    assert "bough.worktree.cli.candidates" in loaded
    asked_sqlite = words[0] == "jobs"
    assert ("_sqlite3" in loaded) == asked_sqlite
    assert loaded & FORBIDDEN == (BY_SQLITE if asked_sqlite else set())


def test_nothing_beside_the_package_can_be_imported(repo: Repo, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    package = Path(os.path.abspath(f"{complete.__file__}/../../.."))
    (site / "bough").symlink_to(package)
    (site / "posixpath.py").write_text("raise SystemExit(9)\n")
    (site / "_sqlite3.py").write_text("raise SystemExit(9)\n")
    argv = [sys.executable, "-I", "-S", str(site / "bough/worktree/cli/complete.py")]
    assert run([*argv, "2", "bough", "go", ""], cwd=repo.path).ok().stdout == "main\n"
