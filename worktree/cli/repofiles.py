"""A repository as its files tell it: branches and worktrees without asking git.

Light: `os` alone, because completion has no time to start a process. Names are bytes, as they lie
on disk. What cannot be read is left out. A repository that keeps its references in the reftable
format shows no branches here; the folders of its worktrees it does.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADS = b"refs/heads/"
_SMALL = 4096
_LARGE = 1 << 20


def find_common_dir(folder: bytes) -> bytes | None:
    """What the worktrees of the repository around `folder` share; None outside of one."""
    while True:
        git_dir = _git_dir(folder)
        if git_dir is not None:
            common = _read(git_dir + b"/commondir")
            if common is None:
                return git_dir
            return os.path.normpath(os.path.join(git_dir, common.rstrip(b"\n")))
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _git_dir(folder: bytes) -> bytes | None:
    git = folder + b"/.git"
    if os.path.isdir(git):
        return git
    content = _read(git)
    if content is not None and content.startswith(b"gitdir: "):
        return os.path.normpath(os.path.join(folder, content[8:].rstrip(b"\n")))
    if os.path.isfile(folder + b"/HEAD") and os.path.isdir(folder + b"/refs"):
        return folder  # inside a bare repository, or inside .git
    return None


class References:
    """The references of a repository; what is packed is read once."""

    def __init__(self, common_dir: bytes) -> None:
        self._common_dir = common_dir
        self._packed = _read(common_dir + b"/packed-refs", _LARGE) or b""

    def below(self, prefix: bytes) -> set[bytes]:
        """The names that begin with `prefix` (`refs/heads/`), without it."""
        # Lines are `<id> <name>`, and no name contains a space: splitting at the prefix leaves
        # names at the beginning of all parts but the first. A Tab has no time for a loop of lines.
        parts = self._packed.split(b" " + prefix)
        found = {part[: part.find(b"\n")] for part in parts[1:]}
        found.update(_loose(self._common_dir + b"/" + prefix, b""))
        return found


def _loose(folder: bytes, above: bytes) -> Iterator[bytes]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # all references of this kind are packed
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _loose(entry.path, above + entry.name + b"/")
        elif not entry.name.endswith(b".lock"):
            yield above + entry.name


def linked_git_dirs(common_dir: bytes) -> list[bytes]:
    """The git dirs of every worktree but the main one."""
    root = common_dir + b"/worktrees/"
    try:
        return [root + name for name in os.listdir(root)]
    except OSError:
        return []  # there are none


def folder_name(git_dir: bytes) -> bytes | None:
    """The name of the folder that the worktree with this git dir lies in; None if unknown."""
    gitdir = _read(git_dir + b"/gitdir")
    if gitdir is None:
        return None
    return os.path.basename(os.path.dirname(gitdir.rstrip(b"\n")))


def branch_in(git_dir: bytes) -> bytes | None:
    """The branch that the worktree with this git dir has checked out; None when detached."""
    head = _read(git_dir + b"/HEAD") or b""
    if head.startswith(b"ref: " + _HEADS) and not head.endswith(b"/.invalid\n"):
        return head[5 + len(_HEADS) :].rstrip(b"\n")
    return None


def repo_id(common_dir: bytes) -> str | None:
    """The id in `<common>/bough/repo-id`, which begins with it; None if the file is not there."""
    content = _read(common_dir + b"/bough/repo-id") or b""
    before, _, rest = content.partition(b'{"id": "')
    value, quote, _ = rest.partition(b'"')
    return value.decode("ascii") if not before and quote and _is_uuid(value) else None


def _is_uuid(value: bytes) -> bool:
    return len(value) == 36 and not value.strip(b"0123456789abcdef-")


def _read(path: bytes, expected: int = _SMALL) -> bytes | None:
    """The file's content; `expected` is the size that one system call should do for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = chunk = os.read(fd, expected)
        while len(chunk) == expected:
            chunk = os.read(fd, expected)
            data += chunk
    except OSError:
        return None  # a folder
    finally:
        os.close(fd)
    return data
