"""Make the lists of files that jobs ask for: from git, from their `files` commands, from the disk.

Only for a configuration that is trusted, because its commands run here. Within one of git's hooks
what is staged is read from that hook's own index. A list that cannot be made is a value with the
reason, so that the job that needs it fails, and no other.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Mapping

from bough.hooks.config.model import Hook, Job
from bough.hooks.git import GitError, git
from bough.hooks.plan import Facts, environment_of, files_command
from bough.hooks.selecting import FILES, FileList, Listed, lists_of

_LIMIT_S = 30.0
_LOOK_AT = 8_000
"""How much of a file tells whether it is text; git looks at as much."""


def listed(hook: Hook, facts: Facts, inherited: Mapping[str, str], *, own_index: bool) -> Facts:
    """`facts` with all lists that the jobs of `hook` ask for.

    `inherited` is the environment that jobs start from. `own_index`: this is one of git's hooks.
    """
    place = facts.cwd or facts.worktree_path
    makers: dict[str, Callable[[], list[str]]] = {
        "staged_files": lambda: _staged(place, own_index),
        "push_files": lambda: _unpushed(place),
        "changed_files": lambda: _changed(place, facts.base_branch, own_index),
        "all_files": lambda: _git(place, own_index, "ls-files", "-z"),
    }
    kinds = any(rule.types for job in hook.jobs for rule in job.filters)
    made: dict[str, FileList] = {}
    lists: dict[tuple[str, str], FileList] = {}
    for job in hook.jobs:
        for name in lists_of(job, facts.event, facts.os):
            if name == FILES:
                env = {**inherited, **dict(environment_of(hook, job, facts))}
                lists[job.name, name] = _of_command(job, facts, place, env, kinds=kinds)
                continue
            if name not in made:
                made[name] = _file_list(makers[name], place, kinds=kinds)
            lists[job.name, name] = made[name]
    return facts.with_lists(lists)


def stage(paths: Iterable[str], cwd: str, *, own_index: bool) -> str:
    """`git add` these paths, from within `cwd`; why it failed, '' if it did not."""
    try:
        git(
            *("add", "--pathspec-from-file=-", "--pathspec-file-nul"),
            cwd=cwd,
            keep_env=own_index,
            env={"GIT_LITERAL_PATHSPECS": "1"},
            input=b"".join(os.fsencode(path) + b"\0" for path in paths),
        )
    except GitError as error:
        return error.message
    return ""


def _file_list(make: Callable[[], list[str]], place: str, *, kinds: bool) -> FileList:
    try:
        paths = list(dict.fromkeys(make()))
    except GitError as error:
        return FileList(problem=error.message)
    return _existing(paths, place, kinds=kinds)


def _existing(paths: Iterable[str], place: str, *, kinds: bool) -> FileList:
    """What is there; a job cannot do anything about a file that is not."""
    return FileList(
        files=tuple(
            Listed(path=path, kinds=_kinds(os.path.join(place, path)) if kinds else frozenset())
            for path in paths
            if os.path.lexists(os.path.join(place, path))
        )
    )


def _of_command(
    job: Job, facts: Facts, place: str, env: Mapping[str, str], *, kinds: bool
) -> FileList:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", files_command(job, facts)],
            cwd=place,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FileList(problem=f"`files` did not end within {_LIMIT_S:g} s")
    except OSError as error:
        return FileList(problem=f"`files` cannot run: {error.strerror}")
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = f": {said[-1]}" if said else ""
        return FileList(problem=f"`files` ended with status {done.returncode}{reason}")
    separator = "\0" if b"\0" in done.stdout else "\n"
    paths = filter(None, os.fsdecode(done.stdout).split(separator))
    return _existing((os.path.normpath(path) for path in paths), place, kinds=kinds)


def _git(place: str, own_index: bool, *args: str) -> list[str]:
    return git(*args, cwd=place, keep_env=own_index).fields


def _names_of_diff(place: str, own_index: bool, *args: str) -> list[str]:
    options = ("--name-only", "-z", "--no-renames", "--diff-filter=d", "--no-ext-diff")
    return _git(place, own_index, "diff", *options, *args, "--")


def _staged(place: str, own_index: bool) -> list[str]:
    return _names_of_diff(place, own_index, "--cached")


def _changed(place: str, base: str, own_index: bool) -> list[str]:
    """What differs from where the branch began, committed or not, and what git does not know."""
    start = _commit(place, "merge-base", base, "HEAD") if base else None
    start = start or _commit(place, "rev-parse", "--verify", "--quiet", "HEAD")
    untracked = _git(place, own_index, "ls-files", "-z", "--others", "--exclude-standard")
    if start is None:
        return [*_git(place, own_index, "ls-files", "-z"), *untracked]
    return [*_names_of_diff(place, own_index, start), *untracked]


def _unpushed(place: str) -> list[str]:
    """What differs from the branch's place on the remote; without one, from origin's default."""
    for name in ("@{push}", "@{upstream}", "refs/remotes/origin/HEAD"):
        start = _commit(place, "merge-base", name, "HEAD")
        if start is not None:
            return _names_of_diff(place, False, start, "HEAD")
    return _git(place, False, "ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD")


def _commit(place: str, *args: str) -> str | None:
    answer = git(*args, cwd=place, check=False)
    return answer.text if answer.code == 0 else None


def _kinds(path: str) -> frozenset[str]:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return frozenset({"symlink", "not executable"})
    found = {"not symlink", "executable" if mode & 0o111 else "not executable"}
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            found.add("binary" if b"\0" in file.read(_LOOK_AT) else "text")
    return frozenset(found)
