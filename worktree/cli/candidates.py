"""What may be typed next: from the words on the command line to the candidates for the last one.

Light: see `complete`. Names are bytes throughout. A candidate is offered only if a shell can show
it: a name with control characters is left out.
"""

from __future__ import annotations

import os

from bough.worktree.cli import repofiles
from bough.worktree.cli.vocabulary import BOUGH, CHOICES, FLAG, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECENT_JOBS = 500
"""How far back job names are looked for: a Tab must not cost more as the history grows."""
_CONTROLS = bytes([*range(32), 127])
_HELP = {"-h": FLAG, "--help": FLAG}


class _Position:
    """Where the cursor stands, after reading the words before it."""

    def __init__(self) -> None:
        self.verb = BOUGH
        self.arguments = 0
        self.only_arguments = False
        self.awaited = FLAG
        """The source of the value that the option before the cursor wants."""
        self.folder = os.getcwdb()

    def read(self, word: str) -> None:
        """Take in one word before the cursor."""
        if self.awaited:
            if self.awaited == "folders" and self.verb is BOUGH:
                self.folder = os.path.join(self.folder, os.fsencode(word))
            self.awaited = FLAG
        elif self.only_arguments:
            self.arguments += 1
        elif word == "--":
            self.only_arguments = True
        elif word.startswith("-") and word != "-":
            self.awaited = self.verb.options.get(word, FLAG)
        elif word in self.verb.verbs:
            self.verb = self.verb.verbs[word]
        else:
            self.arguments += 1

    def sources(self, word: str) -> Iterable[tuple[str, str]]:
        """What completes `word`: sources, each with what stands before the part to complete."""
        option, equals, _ = word.partition("=")
        if self.awaited:
            return [(self.awaited, "")]
        if not self.only_arguments and word.startswith("--") and equals:
            return [(self.verb.options.get(option, TEXT), f"{option}=")]
        if not self.only_arguments and word.startswith("-"):
            return [("options", "")]
        if self.verb.verbs and not self.arguments:
            return [("verbs", "")]
        wanted = self.verb.arguments
        if self.arguments < len(wanted):
            return [(wanted[self.arguments], "")]
        return [(wanted[-1], "")] if wanted and self.verb.repeats else []


def candidates(words: list[str], current: str) -> list[bytes]:
    """The candidates for `current`, sorted; `words` stand before it, without the command's name."""
    position = _Position()
    for word in words:
        position.read(word)
    found: set[bytes] = set()
    for source, before in position.sources(current):
        typed = os.fsencode(current[len(before) :])
        names = _named(source, position, typed)
        if current:
            head = os.fsencode(before)
            names = [head + name for name in names if name.startswith(typed)]
        found.update(names)
    found.discard(b"")
    return _showable(sorted(found))


def _showable(names: list[bytes]) -> list[bytes]:
    together = b"".join(names)
    if together.translate(None, _CONTROLS) == together:
        return names
    return [name for name in names if name.translate(None, _CONTROLS) == name]


def _named(source: str, position: _Position, typed: bytes) -> Iterable[bytes]:
    if source == "options":
        return [option.encode() for option in {**position.verb.options, **_HELP}]
    if source == "verbs":
        return [n.encode() for n, verb in position.verb.verbs.items() if not verb.hidden]
    if source == "folders":
        return _folders(position.folder, typed)
    choices = [choice.encode() for choice in CHOICES.get(source, ())]
    ask = _QUESTIONS.get(source)
    common_dir = repofiles.find_common_dir(position.folder) if ask else None
    if ask is None or common_dir is None:
        return choices
    return [*choices, *ask(common_dir, typed)]


def _branches(common_dir: bytes, typed: bytes) -> Iterable[bytes]:
    """What `go` takes: branches, here or on a remote, and the folders of detached worktrees."""
    references = repofiles.References(common_dir)
    names = references.below(b"refs/heads/")
    full_names = references.below(b"refs/remotes/")
    names.update([name[name.find(b"/") + 1 :] for name in full_names])
    names.discard(b"HEAD")  # of a remote, it is no branch
    remote, slash, _ = typed.partition(b"/")
    if slash:
        names.update(name for name in full_names if name.startswith(remote + b"/"))
    for git_dir in repofiles.linked_git_dirs(common_dir):
        if repofiles.branch_in(git_dir) is None:
            names.add(repofiles.folder_name(git_dir) or b"")
    return names


def _bases(common_dir: bytes, _typed: bytes) -> Iterable[bytes]:
    """What a branch can start from: local and remote branches by their full names, and tags."""
    references = repofiles.References(common_dir)
    remote = references.below(b"refs/remotes/")
    return {
        *references.below(b"refs/heads/"),
        *(name for name in remote if not name.endswith(b"/HEAD")),
        *references.below(b"refs/tags/"),
    }


def _removable(common_dir: bytes, _typed: bytes) -> Iterable[bytes]:
    """All worktrees but the main one, by branch or else by folder."""
    for git_dir in repofiles.linked_git_dirs(common_dir):
        yield repofiles.branch_in(git_dir) or repofiles.folder_name(git_dir) or b""


def _worktrees(common_dir: bytes, typed: bytes) -> Iterable[bytes]:
    main = repofiles.branch_in(common_dir)
    return [*_removable(common_dir, typed), *([main] if main else [])]


def _jobs(common_dir: bytes, typed: bytes) -> Iterable[bytes]:
    """Job names, or after a colon the addresses that begin with what stands before it."""
    return _addresses(_recent_jobs(common_dir), typed)


def _active_jobs(common_dir: bytes, typed: bytes) -> Iterable[bytes]:
    from bough.coordinator.store.light import ACTIVE

    return _addresses([job for job in _recent_jobs(common_dir) if job[3] in ACTIVE], typed)


def _addresses(jobs: list[tuple[str, str, str, str]], typed: bytes) -> Iterable[bytes]:
    found = set()
    for name, invocation, worktree, _status in jobs:
        found.add(name)
        if b":" in typed:
            found.add(f"{invocation[:6]}:{name}")
            found.add(f"{worktree}:{name}")
    return [os.fsencode(address) for address in found]


def _invocations(common_dir: bytes, _typed: bytes) -> Iterable[bytes]:
    return {job[1][:6].encode() for job in _recent_jobs(common_dir)}


def _recent_jobs(common_dir: bytes) -> list[tuple[str, str, str, str]]:
    repo_id = repofiles.repo_id(common_dir)
    if repo_id is None:
        return []
    from bough.coordinator.store.light import recent_jobs, state_folders

    for folder in state_folders(repo_id):
        if os.path.isdir(folder):
            return recent_jobs(folder, RECENT_JOBS)
    return []


def _folders(folder: bytes, typed: bytes) -> Iterable[bytes]:
    parent = os.path.dirname(typed)
    try:
        entries = os.scandir(os.path.join(folder, parent))
    except OSError:
        return []
    with entries:
        return [os.path.join(parent, e.name) + b"/" for e in entries if e.is_dir()]


_QUESTIONS: dict[str, Callable[[bytes, bytes], Iterable[bytes]]] = {
    "branches": _branches,
    "bases": _bases,
    "removable": _removable,
    "worktrees": _worktrees,
    "jobs": _jobs,
    "active_jobs": _active_jobs,
    "invocations": _invocations,
}
