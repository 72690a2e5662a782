"""bough's shims among git's hooks: put in place, taken away without a trace, looked at.

A shim is a small `sh` script (`shim.sh`) that decides by itself whether there is anything to do.
Invariants: a hook that was there is kept as `<hook>.bough-chained`, still runs, and comes back byte
for byte, mode and links included; no shim is ever chained to a shim; every conflict is found before
the first file is touched; installing again changes nothing.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from bough.coordinator.errors import BoughError
from bough.hooks.git import failed, git
from bough.hooks.own_folder import locked
from bough.hooks.paths import shown_path
from bough.hooks.repository import Repository, worktrees

EVENTS = (
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "post-rewrite",
)
"""Always all of them: which ones a configuration declares differs from branch to branch."""

_MARK = b"# bough-shim:"
_CHAINED = ".bough-chained"


class ShimError(BoughError):
    """The shims cannot be put where git looks for hooks."""

    code = "SHIMS"


class SharedHooks(ShimError):
    """git's hooks folder is one for all repositories of the user or the machine."""

    code = "SHARED_HOOKS"


class State(StrEnum):
    """What stands at a hook's place."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    """A shim, but not the one that this bough would write."""
    ABSENT = "absent"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """One of git's hooks: what stands at its place, and whether another one is chained to it."""

    event: str
    path: str
    state: State
    chained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksFolder:
    """Where git looks for hooks. `scope` is whose configuration says so, None: nobody's."""

    path: str
    scope: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done in `folder`, by event; `notes` are for the person to read."""

    folder: str
    written: tuple[str, ...] = ()
    chained: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def hooks_folder(repo: Repository) -> HooksFolder:
    """Where git looks for the hooks of the worktree at hand."""
    path = git("rev-parse", "--path-format=absolute", "--git-path", "hooks", cwd=repo.cwd).text
    asked = ("config", "--show-scope", "--null", "--get", "core.hooksPath")
    answer = git(*asked, cwd=repo.cwd, check=False)
    if answer.code not in {0, 1}:
        raise failed(answer, *asked)
    return HooksFolder(path=path, scope=answer.fields[0] if answer.code == 0 else None)


def install(repo: Repository, *, command: str, force: bool = False) -> Report:
    """Write the shims; `command` is the bough that they fall back to (absolute).

    `force` also writes into a hooks folder that other repositories share. Raises `ShimError`.
    """
    place = hooks_folder(repo)
    if place.scope in {"global", "system"} and not force:
        raise SharedHooks(
            f"core.hooksPath of the {place.scope} configuration points git's hooks to "
            f"{shown_path(place.path)}, for other repositories, too",
            hint="Give this repository its own: git config core.hooksPath .git/hooks; "
            "or install there for all of them: bough hooks install --force",
        )
    with locked(repo, "hooks"), _told(place.path):
        _make_folder(place.path)
        before = _states(place.path, command)
        _refuse_conflicts(before)
        written = [hook for hook in before if hook.state is not State.INSTALLED]
        chained = [hook for hook in before if hook.state is State.FOREIGN]
        for hook in written:
            if hook.state is State.FOREIGN:
                os.rename(hook.path, hook.path + _CHAINED)
            _write(hook.path, _script(hook.event, command))
    return Report(
        folder=place.path,
        written=tuple(hook.event for hook in written),
        chained=tuple(hook.event for hook in chained),
        notes=tuple(_notes(repo, place, command)),
    )


def uninstall(repo: Repository) -> Report:
    """Take the shims away and put back what was there, also in git's standard folder when
    `core.hooksPath` was set after the installation."""
    place = hooks_folder(repo)
    removed, restored, notes = [], [], []
    with locked(repo, "hooks"), _told(place.path):
        for folder in dict.fromkeys((place.path, f"{repo.common_dir}/hooks")):
            for hook in _states(folder, ""):
                if hook.state is State.FOREIGN:
                    if hook.chained:
                        notes.append(
                            f"{hook.event} was replaced by something else after the installation; "
                            f"what was there before is still {shown_path(hook.path + _CHAINED)}"
                        )
                    continue
                if hook.chained:
                    os.replace(hook.path + _CHAINED, hook.path)
                    restored.append(hook.event)
                elif hook.state is not State.ABSENT:
                    os.unlink(hook.path)
                    removed.append(hook.event)
    return Report(
        folder=place.path,
        removed=tuple(removed),
        restored=tuple(restored),
        notes=tuple(notes),
    )


def status(repo: Repository, *, command: str) -> tuple[HookState, ...]:
    """What stands at each hook's place, for the shims that `install` would write."""
    return _states(hooks_folder(repo).path, command)


def _states(folder: str, command: str) -> tuple[HookState, ...]:
    return tuple(
        HookState(
            event=event,
            path=f"{folder}/{event}",
            state=_state(f"{folder}/{event}", _script(event, command)),
            chained=os.path.lexists(f"{folder}/{event}{_CHAINED}"),
        )
        for event in EVENTS
    )


def _state(path: str, wanted: bytes) -> State:
    if not os.path.lexists(path):
        return State.ABSENT
    if os.path.islink(path) or not os.path.isfile(path):
        return State.FOREIGN
    with open(path, "rb") as file:
        content = file.read(65_536)
    if content == wanted:
        return State.INSTALLED
    lines = content.split(b"\n", 2)
    return State.OUTDATED if len(lines) > 1 and lines[1].startswith(_MARK) else State.FOREIGN


def _script(event: str, command: str) -> bytes:
    with open(os.path.join(os.path.dirname(__file__), "shim.sh"), "rb") as file:
        template = file.read()
    return template.replace(b"@EVENT@", os.fsencode(shlex.quote(event))).replace(
        b"@RECORDED@", os.fsencode(shlex.quote(command))
    )


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise ShimError(
            f"git looks for hooks in {shown_path(path)}, which cannot be a folder: "
            f"{error.strerror}",
            hint="See what core.hooksPath says: git config --show-origin core.hooksPath",
        ) from error


def _refuse_conflicts(hooks: tuple[HookState, ...]) -> None:
    for hook in hooks:
        if hook.state is not State.FOREIGN:
            continue
        if hook.chained:
            raise ShimError(
                f"{shown_path(hook.path)} is not bough's shim any more, and what it chained is "
                "still beside it; one of the two has to go",
                hint=f"Look at both: head {shlex.quote(hook.path)}{{,{_CHAINED}}}",
            )
        if os.path.isdir(hook.path):
            raise ShimError(f"{shown_path(hook.path)} is a folder", hint="Git wants a file there.")


@contextmanager
def _told(folder: str) -> Iterator[None]:
    """The file system's refusals as ours."""
    try:
        yield
    except OSError as error:
        raise ShimError(
            f"cannot change the hooks in {shown_path(folder)}: {error.strerror}",
            hint=f"See who may write there: ls -la {shlex.quote(folder)}",
        ) from error


def _write(path: str, content: bytes) -> None:
    temporary = f"{path}.{os.urandom(4).hex()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o755)
    try:
        with open(fd, "wb") as file:
            file.write(content)
            os.fchmod(fd, 0o755)  # whatever the umask is: git runs only what is executable
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _notes(repo: Repository, place: HooksFolder, command: str) -> list[str]:
    notes = []
    if place.scope is not None:
        notes.append(
            f"core.hooksPath ({place.scope} configuration) says {shown_path(place.path)}; "
            "a branch or worktree for which it leads elsewhere has no shims"
        )
    folder = os.path.realpath(os.path.dirname(command))
    notes += [
        f"this bough lies in the worktree {shown_path(entry.path)}, so the shims will not run it "
        f"by themselves; to allow that: git config bough.command {shlex.quote(command)}"
        for entry in worktrees(repo)
        if not entry.bare and f"{folder}/".startswith(f"{entry.path}/")
    ]
    return notes
