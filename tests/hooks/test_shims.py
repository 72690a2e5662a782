"""The shims among git's hooks, with real git and a bough that writes down how it was called."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.hooks import shims
from bough.hooks.repository import discover, worktrees
from bough.hooks.shims import EVENTS, ShimError, State, install, status, uninstall
from bough.worktree.markers import mark
from tests.support.commands import Finished, run
from tests.support.needs import need_tool
from tests.support.repos import Repo, write_files

MakeRepo = Callable[..., Repo]

RECORDER = """\
#!/bin/sh
# Each call is a file: arguments one per line, then what stdin said.
calls='@CALLS@'
number=0
while ! mkdir "$calls/$number" 2>/dev/null; do number=$((number + 1)); done
for argument in "$@"; do printf '%s\\n' "$argument"; done >"$calls/$number/args"
cat >"$calls/$number/stdin"
pwd -P >"$calls/$number/cwd"
exit @STATUS@
"""


class Recorder:
    """An executable that records its calls below `folder`; its path is `path`."""

    def __init__(self, folder: Path, name: str = "bough", code: int = 0) -> None:
        self.path = folder / name
        self.calls_folder = folder / f"{name}-calls"
        self.calls_folder.mkdir(parents=True)
        quoted = str(self.calls_folder).replace("'", "'\\''")
        script = RECORDER.replace("@CALLS@", quoted).replace("@STATUS@", str(code))
        write_files(folder, {name: script})

    def _read(self, what: str) -> list[str]:
        count = len(list(self.calls_folder.iterdir()))
        return [(self.calls_folder / str(n) / what).read_text() for n in range(count)]

    @property
    def calls(self) -> list[list[str]]:
        return [text.splitlines() for text in self._read("args")]

    @property
    def events(self) -> list[str]:
        assert all(call[0] == "__hook" for call in self.calls)
        return [call[1] for call in self.calls]

    @property
    def inputs(self) -> list[str]:
        return self._read("stdin")

    @property
    def folders(self) -> list[str]:
        return [text.removesuffix("\n") for text in self._read("cwd")]


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What the shims take for bough."""
    made = Recorder(tmp_path / "recorder")
    monkeypatch.setenv("BOUGH_BIN", str(made.path))
    return made


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A PATH with git and what the shims need, but without any bough."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("git", "cat", "sh", "mkdir"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return str(folder)


def installed(repo: Repo, command: str = "") -> Repo:
    install(discover(str(repo.path)), command=command)
    return repo


def hook(repo: Repo, name: str) -> Path:
    return repo.path / ".git/hooks" / name


def commit(repo: Repo, **env: str) -> Finished:
    return repo.git("commit", "--allow-empty", "-m", "x", env=env)


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


# --- where bough is found


@pytest.fixture
def gated(git_repo: MakeRepo) -> Repo:
    """A repository with shims and a configuration, so that each of them needs bough."""
    return installed(git_repo({"bough.yml": "{}\n"}))


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


# --- installing and uninstalling


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
