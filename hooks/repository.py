"""What bough asks git about a repository: where it is, its worktrees, branches and configuration.

A `Repository` is found once per command and passed on. Its paths are real paths, so they can be
compared. Nothing here writes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from bough.coordinator.errors import BoughError
from bough.hooks.git import Answer, GitError, failed, git
from bough.hooks.paths import shown_path

HEADS = "refs/heads/"
_SEPARATOR = "--bough-separator"
"""rev-parse repeats an option that it does not know. Lines will not do: paths may hold newlines."""


class NotARepository(BoughError):
    """The command ran outside of any git repository."""

    code = "NOT_A_REPOSITORY"


class NoFolder(BoughError):
    """The current folder, or the one that `-C` names, does not exist."""

    code = "NO_FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository as seen from one folder in it.

    `common_dir` is what all its worktrees share; `git_dir` belongs to the worktree at hand, whose
    root is `top` (None in a bare repository or inside `.git`). `bare`: there is no main worktree.
    """

    common_dir: str
    git_dir: str
    top: str | None
    bare: bool

    @property
    def linked(self) -> bool:
        """Whether the worktree at hand is not the main one."""
        return self.git_dir != self.common_dir

    @property
    def cwd(self) -> str:
        """Where git calls about this repository run."""
        return self.top or self.git_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class WorktreeEntry:
    """A worktree as git has it registered.

    `admin_id` is the name of its folder below `<common>/worktrees`, "" for the main worktree.
    `branch` is None when detached; `head` is None when the branch has no commit yet. `locked` and
    `prunable` hold git's reason, which may be empty; None: it is not. `bare` is the main entry of
    a repository without a main worktree.
    """

    path: str
    admin_id: str
    head: str | None
    branch: str | None
    is_main: bool
    bare: bool = False
    locked: str | None = None
    prunable: str | None = None

    @property
    def detached(self) -> bool:
        return self.branch is None and not self.bare


def discover(cwd: str) -> Repository:
    """The repository that `cwd` is in; also from a subfolder, inside `.git`, and in a bare one."""
    if not os.path.isdir(cwd):
        raise NoFolder(
            f"the folder {shown_path(cwd)} does not exist", hint="cd to a folder that exists."
        )
    # --show-toplevel comes last: it fails where there is no worktree, after the rest was printed.
    answer = git(
        *("rev-parse", "--path-format=absolute", "--is-bare-repository", _SEPARATOR),
        *("--absolute-git-dir", _SEPARATOR, "--git-common-dir", _SEPARATOR, "--show-toplevel"),
        cwd=cwd,
        check=False,
    )
    parts = answer.text.split(f"\n{_SEPARATOR}\n")
    if len(parts) == 3:
        parts[-1] = parts[-1].removesuffix(f"\n{_SEPARATOR}")
    if answer.code not in {0, 128} or len(parts) not in {3, 4}:
        raise _undiscovered(answer, cwd)
    git_dir, common_dir = os.path.realpath(parts[1]), os.path.realpath(parts[2])
    bare = parts[0] == "true"
    if git_dir != common_dir:
        # Asked in a linked worktree, git says that this one has a work tree.
        bare = git("rev-parse", "--is-bare-repository", cwd=common_dir).text == "true"
    top = parts[3] if len(parts) == 4 else None
    return Repository(common_dir=common_dir, git_dir=git_dir, top=top, bare=bare)


def _undiscovered(answer: Answer, cwd: str) -> BoughError:
    if "not a git repository: " in answer.stderr:
        gone = answer.reason.removeprefix("not a git repository: ")
        return NotARepository(
            f"{shown_path(cwd)} belongs to a repository whose folder {shown_path(gone)} is gone",
            hint="If the repository was moved, run this in it: git worktree repair",
        )
    if "not a git repository" in answer.stderr:
        return NotARepository(
            f"{shown_path(cwd)} is not in a git repository",
            hint="cd into one, or make one: git init",
        )
    error = failed(answer, "rev-parse")
    if "dubious ownership" in answer.stderr:
        error.hint = f"If you trust it: {answer.stderr.strip().splitlines()[-1].strip()}"
    return error


def current_folder() -> str:
    """`os.getcwd()`, with an explanation when the folder was removed under the shell's feet."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise NoFolder(
            "the current folder does not exist any more",
            hint="cd to a folder that exists, for example: cd ~",
        ) from None


def folder(repo: Repository) -> str:
    """What layouts count from: the main worktree, or the folder around a bare `.git`.

    A bare repository that is no hidden folder (`project.git`) is itself that folder.
    """
    parent, name = os.path.split(repo.common_dir)
    if repo.bare:
        return parent if name.startswith(".") else repo.common_dir
    if repo.top and not repo.linked:
        return repo.top
    if name == ".git":
        return parent
    # A submodule's git dir knows its worktree; one made with --separate-git-dir does not.
    answer = git("rev-parse", "--show-toplevel", cwd=repo.common_dir, check=False)
    return answer.text if answer.code == 0 else repo.common_dir


def repo_name(repo: Repository) -> str:
    """What people call the repository: the name of its folder, without `.git`."""
    return os.path.basename(folder(repo)).removesuffix(".git") or "repository"


def main_path(repo: Repository) -> str:
    """The main worktree; in a bare repository the default branch's, else `folder`."""
    if not repo.bare:
        return folder(repo)
    default = default_branch(repo)
    for entry in worktrees(repo):
        if default and entry.branch == default and entry.prunable is None:
            return entry.path
    return folder(repo)


def worktrees(repo: Repository) -> tuple[WorktreeEntry, ...]:
    """All registered worktrees, the main one (or the bare repository) first."""
    answer = git("worktree", "list", "--porcelain", "-z", cwd=repo.cwd)
    records = os.fsdecode(answer.stdout).split("\0\0")
    admin_ids = _admin_ids(repo.common_dir)
    entries = []
    for index, record in enumerate(filter(None, records)):
        words = dict(_word(field) for field in record.split("\0"))
        path = words["worktree"]
        head = words.get("HEAD", "")
        entry = WorktreeEntry(
            path=path,
            admin_id=admin_ids.get(path, "") if index else "",
            head=head if head.strip("0") else None,
            branch=words["branch"].removeprefix(HEADS) if "branch" in words else None,
            is_main=index == 0,
            bare="bare" in words,
            locked=words.get("locked"),
            prunable=words.get("prunable"),
        )
        entries.append(entry)
    if not repo.bare:
        entries[0] = replace(entries[0], path=folder(repo))  # git names a submodule's git dir
    return tuple(entries)


def _word(field: str) -> tuple[str, str]:
    name, _, value = field.partition(" ")
    return name, value


def _admin_ids(common_dir: str) -> dict[str, str]:
    """Admin folder names by worktree path, from the `gitdir` files that git itself reads."""
    root = f"{common_dir}/worktrees"
    found = {}
    try:
        names = os.listdir(root)
    except OSError:
        return {}  # no linked worktree
    for name in names:
        try:
            with open(f"{root}/{name}/gitdir", "rb") as file:
                target = os.fsdecode(file.read()).rstrip("\n")
        except OSError:
            continue  # removed in this moment, or not a worktree's
        # Relative ones (git 2.48) count from the admin folder.
        path = os.path.normpath(os.path.join(root, name, target))
        found[path.removesuffix("/.git")] = name
    return found


def admin_dir(repo: Repository, entry: WorktreeEntry) -> str:
    """The worktree's own folder in the repository; the common dir for the main worktree."""
    if entry.is_main:
        return repo.common_dir
    if not entry.admin_id:
        raise GitError(
            f"git lists the worktree {shown_path(entry.path)}, but its folder in "
            f"{shown_path(repo.common_dir)}/worktrees "
            "cannot be found",
            hint="git worktree repair",
        )
    return f"{repo.common_dir}/worktrees/{entry.admin_id}"


def current_branch(cwd: str) -> str | None:
    """The branch checked out in `cwd`, also one without a commit yet; None when detached."""
    answer = git("symbolic-ref", "--quiet", "HEAD", cwd=cwd, check=False)
    return answer.text.removeprefix(HEADS) if answer.code == 0 else None


def default_branch(repo: Repository) -> str | None:
    """The branch that others are merged into: what origin says, else what a bare repository's own
    HEAD says, else `init.defaultBranch`, `main` or `master` if it exists, else None."""
    answer = git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", cwd=repo.cwd, check=False)
    if answer.code == 0:
        return answer.text.removeprefix("refs/remotes/origin/")
    if repo.bare and (branch := current_branch(repo.common_dir)):
        return branch
    configured = read_config(repo, "init.defaultBranch")
    names = [name for name in (configured, "main", "master") if name]
    found = git(
        *("for-each-ref", "--format=%(refname)", "--"),
        *(f"{HEADS}{name}" for name in names),
        cwd=repo.cwd,
    ).lines
    return next((name for name in names if f"{HEADS}{name}" in found), None)


def head_commit(cwd: str) -> str | None:
    """The commit checked out in `cwd`; None before the first one."""
    return commit_of(cwd, "HEAD")


def commit_of(cwd: str, name: str) -> str | None:
    """The full id of the commit that `name` means in `cwd`; None when it means none."""
    answer = git(
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"),
        cwd=cwd,
        check=False,
    )
    return answer.text if answer.code == 0 else None


def read_config(repo: Repository, key: str) -> str | None:
    """The value of `key` in git's configuration, as it applies to the worktree at hand."""
    answer = git("config", "--null", "--get", key, cwd=repo.cwd, check=False)
    if answer.code == 1:
        return None
    if answer.code != 0:
        raise failed(answer, "config")
    return answer.fields[0]


def is_merging(git_dir: str) -> bool:
    """Whether a merge waits for its commit in the worktree with this git dir."""
    return os.path.exists(f"{git_dir}/MERGE_HEAD")


def is_rebasing(git_dir: str) -> bool:
    """Whether a rebase (or `git am`) is under way in the worktree with this git dir."""
    return any(os.path.isdir(f"{git_dir}/{name}") for name in ("rebase-merge", "rebase-apply"))
