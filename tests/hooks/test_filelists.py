"""Lists of files: what is in them, what filters leave, and how commands get them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bough.coordinator import jobfolder
from bough.coordinator.model import NewJob, SkipClass
from bough.hooks.commands import MOST_BYTES
from bough.hooks.filelists import listed, stage
from bough.hooks.plan import plan
from bough.hooks.selecting import LIST_NAMES
from tests.hooks.planning import facts, loaded
from tests.support.repos import Repo, write_files

HOSTILE = [
    "a b.txt",
    "-rf",
    "it's",
    "$(touch pwned)",
    "new\nline",
    "sub/é.py",
    'q"uote',
    "back\\slash",
]
MakeRepo = Callable[..., Repo]


def planned_in(place: Path, text: str, event: str = "pre-commit", **known: Any) -> NewJob:
    """The one job of the hook, planned with the lists as they are in `place`."""
    hook = loaded(text, **known.pop("files", {})).for_event(event)
    assert hook is not None
    known = {"worktree_path": str(place), "base_branch": "", **known}
    own_index = known.pop("own_index", False)
    made = listed(hook, facts(event, **known), dict(os.environ), own_index=own_index)
    (job,) = plan(hook, event, made, (), None).jobs
    return job


def hook(job: str, event: str = "pre-commit", keys: str = "") -> str:
    return f"hooks: {{{event}: {{{keys}jobs: [{job}]}}}}"


def printed(job: NewJob, folder: Path) -> list[str]:
    """The words that the job's command prints, one run after the other."""
    jobfolder.prepare(str(folder), job.spec.files)
    env: Mapping[str, str] = {**os.environ, jobfolder.JOB_DIR: str(folder), **dict(job.spec.env)}
    done = subprocess.run(
        job.spec.argv, cwd=job.spec.cwd, env=env, capture_output=True, timeout=60, check=True
    )
    return os.fsdecode(done.stdout).split("\0")[:-1]


def show(name: str) -> str:
    return f"{{run: \"printf '%s\\\\0' {{{name}}}\"}}"


@pytest.fixture
def place(git_repo: MakeRepo) -> Path:
    """A repository with one commit of `old.txt` on main."""
    return git_repo(files={"old.txt": "1\n", "gone.txt": "1\n"}).path


def git(place: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=place, check=True, timeout=30, capture_output=True)


def test_every_hostile_name_is_one_word(place: Path, tmp_path: Path) -> None:
    write_files(place, dict.fromkeys(HOSTILE, "x"))
    git(place, "add", "--all")
    expected = sorted(f"./{name}" if name.startswith("-") else name for name in HOSTILE)
    job = planned_in(place, hook(show("staged_files")))
    assert sorted(printed(job, tmp_path / "job")) == expected
    quoted = '{run: \'printf "%s\\\\0" "{staged_files}"\'}'
    assert sorted(printed(planned_in(place, hook(quoted)), tmp_path / "job")) == expected
    assert not (place / "pwned").exists()


def test_each_list_holds_what_it_says(place: Path, tmp_path: Path) -> None:
    git(place, "branch", "base")
    write_files(place, {"committed.txt": "x"})
    git(place, "add", "--all")
    git(place, "commit", "-m", "x")
    write_files(place, {"staged.txt": "x", "old.txt": "2\n"})
    git(place, "add", "staged.txt")
    git(place, "rm", "-q", "gone.txt")
    write_files(place, {"untracked.txt": "x"})
    git(place, "update-ref", "refs/remotes/origin/HEAD", "base")

    def files(name: str, **known: Any) -> list[str]:
        text = hook(show(name), "post-commit")
        text = text.replace("run:", "files: 'echo old.txt; echo nowhere', run:")
        job = planned_in(place, text, "post-commit", **known)
        return sorted(printed(job, tmp_path / "job"))

    assert files("staged_files") == ["staged.txt"]
    assert files("push_files") == ["committed.txt"]
    assert files("changed_files") == ["old.txt", "staged.txt", "untracked.txt"]
    assert files("changed_files", base_branch="base") == [
        *("committed.txt", "old.txt", "staged.txt", "untracked.txt"),
    ]
    assert files("all_files") == ["committed.txt", "old.txt", "staged.txt"]
    assert files("files") == ["old.txt"]


def test_before_the_first_commit_there_are_lists_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write_files(tmp_path, {"a.txt": "x"})
    git(tmp_path, "add", "a.txt")
    for name in ("staged_files", "changed_files", "all_files"):
        job = planned_in(tmp_path, hook(show(name)))
        assert printed(job, tmp_path / "job") == ["a.txt"]


FILES = {
    "a.py": "x",
    "web/b.py": "x",
    "web/c.txt": "x",
    "web/gen/d.py": "x",
    "web/run.sh": "#!/bin/sh\n",
    "web/bin": "\0",
}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("glob: '*.py'", "a.py web/b.py web/gen/d.py"),
        ("glob: 'web/*.py'", "web/b.py"),
        ("glob: ['a.*', '**/*.txt']", "a.py web/c.txt"),
        ("glob: '*.py', exclude: 'web/gen/**'", "a.py web/b.py"),
        ("root: web, glob: '*.py'", "b.py gen/d.py"),
        ("file_types: executable", "web/run.sh"),
        ("file_types: [text, not executable], exclude: '*.py'", "web/c.txt"),
        ("file_types: binary", "web/bin"),
        ("file_types: symlink", "web/link"),
    ],
)
def test_filters_leave_what_they_are_for(
    place: Path, tmp_path: Path, keys: str, expected: str
) -> None:
    write_files(place, FILES)
    os.symlink("b.py", place / "web/link")
    git(place, "add", "--all")
    run = "run: \"printf '%s\\\\0' {staged_files}\""
    job = planned_in(place, hook(f"{{{keys}, {run}}}"))
    assert " ".join(sorted(printed(job, tmp_path / "job"))) == expected


@pytest.mark.parametrize("keys", ["glob: '*.py'", "exclude: '*.py'", "file_types: text"])
def test_a_hook_and_a_group_filter_as_a_job_does(place: Path, keys: str) -> None:
    write_files(place, FILES)
    git(place, "add", "--all")
    run = "run: 'echo {staged_files}'"
    of_job = planned_in(place, hook(f"{{{keys}, {run}}}"))
    of_hook = planned_in(place, hook(f"{{{run}}}", keys=f"{keys}, "))
    of_group = planned_in(place, hook(f"{{{keys}, group: {{jobs: [{{{run}}}]}}}}"))
    plain = planned_in(place, hook(f"{{{run}}}"))
    assert of_hook.spec.argv == of_group.spec.argv == of_job.spec.argv != plain.spec.argv


def test_hook_and_job_must_both_let_a_file_pass(place: Path, tmp_path: Path) -> None:
    write_files(place, FILES)
    git(place, "add", "--all")
    run = "run: \"printf '%s\\\\0' {staged_files}\""
    text = hook(f"{{glob: 'web/**', {run}}}", keys="glob: '*.py', exclude: d.py, ")
    assert printed(planned_in(place, text), tmp_path / "job") == ["web/b.py"]


@pytest.mark.parametrize(
    ("job", "event", "skipped"),
    [
        ("{run: 'echo {staged_files}'}", "pre-commit", True),
        ("{run: x, glob: '*.py'}", "pre-commit", True),
        ("{run: x, glob: '*.txt'}", "pre-commit", True),
        ("{run: x, glob: '*.txt'}", "post-commit", False),
        ("{run: x, glob: '*.py'}", "post-commit", True),
        ("{run: x, stage_fixed: true}", "pre-commit", True),
        ("{run: x, files: 'echo old.txt'}", "pre-commit", False),
        ("{run: x, files: 'true'}", "pre-commit", True),
        ("{run: x}", "pre-commit", False),
    ],
)
def test_a_job_without_files_is_skipped(place: Path, job: str, event: str, skipped: bool) -> None:
    made = planned_in(place, hook(job, event), event)
    if skipped:
        assert (made.skip, made.reason) == (SkipClass.CONDITION, "no matching files")
    else:
        assert made.skip is None


def test_a_files_command_gets_the_jobs_environment_and_quoted_values(
    place: Path, tmp_path: Path
) -> None:
    text = hook(
        "{files: 'printf \"%s\\\\n\" $NAME {branch}', env: {NAME: old.txt}, "
        "run: \"printf '%s\\\\0' {files}\"}"
    )
    job = planned_in(place, text, branch="gone.txt")
    assert printed(job, tmp_path / "job") == ["old.txt", "gone.txt"]


def test_a_files_command_that_fails_fails_its_job(place: Path) -> None:
    job = planned_in(place, hook("{run: 'echo {files}', files: 'echo why >&2; exit 3'}"))
    assert job.skip is None
    done = subprocess.run(job.spec.argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (1, "bough: `files` ended with status 3: why\n")


def test_a_long_list_becomes_several_runs(place: Path, tmp_path: Path) -> None:
    names = [f"{number:04}-{'n' * 200}" for number in range(1500)]
    write_files(place, dict.fromkeys(names, "x"))
    git(place, "add", "--all")
    run = "run: \"printf '%s\\\\0' {staged_files}; echo run >> {worktree_path}/../runs\""
    job = planned_in(place, hook(f"{{{run}}}"))
    assert printed(job, tmp_path / "job") == names
    runs = len((place.parent / "runs").read_text().splitlines())
    assert runs == -(-sum(len(name) + 3 for name in names) // MOST_BYTES)
    assert len(job.spec.command_text) < 10_000
    assert max(map(len, job.spec.argv)) < 1000
    script = "{script: s.sh, args: [-x, '{staged_files}']}"
    of_script = planned_in(place, hook(script), files={"s__sh": "shift; printf '%s\\0' \"$@\""})
    assert printed(of_script, tmp_path / "job") == names
    failing = planned_in(place, hook("{run: 'echo {staged_files} >> ../failing; exit 4'}"))
    jobfolder.prepare(str(tmp_path / "job"), failing.spec.files)
    env = {**os.environ, jobfolder.JOB_DIR: str(tmp_path / "job")}
    done = subprocess.run(failing.spec.argv, cwd=place, env=env, timeout=60, check=False)
    assert done.returncode == 4
    assert len((place.parent / "failing").read_text().splitlines()) == 1


def test_a_filter_alone_does_not_make_several_runs(place: Path) -> None:
    names = [f"{number:04}-{'n' * 200}" for number in range(1500)]
    write_files(place, dict.fromkeys(names, "x"))
    git(place, "add", "--all")
    job = planned_in(place, hook("{run: make, glob: '*'}"))
    assert job.spec.argv == ("/bin/sh", "-c", "make")


def test_the_hooks_own_index_is_the_one_that_is_read_and_written(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "own-index"
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    git(place, "read-tree", "HEAD")
    write_files(place, {"-own.txt": "x"})
    git(place, "add", "--", "-own.txt")
    text = hook(show("staged_files"))
    assert printed(planned_in(place, text, own_index=True), tmp_path / "job") == ["./-own.txt"]
    assert planned_in(place, text).reason == "no matching files"
    write_files(place, {"-own.txt": "changed"})
    assert stage(["-own.txt"], str(place), own_index=True) == ""
    git(place, "diff", "--exit-code", "--", "-own.txt")
    assert "pathspec" in stage(["nowhere"], str(place), own_index=True)


def test_every_list_is_refused_where_nothing_could_take_it() -> None:
    from bough.hooks.templates import faults

    for name in LIST_NAMES:
        (fault,) = faults(f"{{{name}}}", command=False, arguments=True)
        assert "is a list of files, which only `run` and `args` take" in fault
