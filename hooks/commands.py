"""What a job is executed with: its command line, the files that go with it, what people are shown.

Pure: a job and values in, words out. Everything runs under plain `sh`. A script runs from a copy
of the bytes that were hashed for trust, in the job's own folder, which `$BOUGH_JOB_DIR` names; the
same holds for `rc`, which is read before the command. No value and no name is ever put into the
text that `sh` reads without quotes. A list of files that is too long for one command line makes
several of them, one after the other, up to the first that fails.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bough.coordinator.model import JobFile
from bough.hooks.config.model import Job, Script
from bough.hooks.templates import (
    LIST_NAMES,
    Values,
    names_used,
    quote,
    render_command,
    render_words,
)

MOST_BYTES = 96 * 1024
"""Of files in one command line. The smallest limit is Linux's: 128 KiB for a single argument, which
the text for `sh -c` is."""
_MOST_SHOWN = 20
_FILES = '"$BOUGH_JOB_DIR/files/'
_RC = "rc"
_COMMAND = "command"
_SCRIPTS = "script"
"""Apart from everything else in there, so that a script can be called as it likes."""

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """`text` is what a person is shown as the command."""

    argv: tuple[str, ...]
    text: str
    files: tuple[JobFile, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


def executable(
    job: Job,
    system: str,
    values: Mapping[str, str],
    lists: Lists,
    arguments: Sequence[str],
    place: str,
) -> Executable:
    """The command of `job`, rendered for `system`; `place` is the folder that scripts lie below.

    Of `lists` those that are not given are empty.
    """
    files = (JobFile(name=_RC, text=_text(job.rc)),) if job.rc else ()
    prelude = f'. {_FILES}{_RC}"\n' if job.rc else ""
    if job.script is None:
        template = dict(job.run).get(system, "")
        lists = _used(lists, names_used(template, command=True))
        commands = [render_command(template, chunk, arguments) for chunk in _chunks(values, lists)]
        shown = render_command(template, _shortened(values, lists), arguments)
        return _of_commands(prelude, commands, shown, files, "sh")
    script = job.script
    lists = _used(lists, {n for arg in script.args for n in names_used(arg, command=False)})
    name = posixpath.basename(script.path)
    start = "".join(f"{quote(word)} " for word in script.runner)
    copy = f'{start}{_FILES}{_SCRIPTS}/$0"'
    rows = [_arguments(script, chunk, arguments) for chunk in _chunks(values, lists)]
    shown = shlex.join(
        [*script.runner, script.path, *_arguments(script, _shortened(values, lists), arguments)]
    )
    files = (*files, JobFile(name=f"{_SCRIPTS}/{name}", text=_text(script.data), mode=0o700))
    if len(rows) == 1:
        argv = ("/bin/sh", "-c", f'{prelude}exec {copy} "$@"', name, *rows[0])
        made = Executable(argv=argv, text=shown, files=files)
    else:
        commands = [" ".join([copy, *map(quote, words)]) for words in rows]
        made = _of_commands(prelude, commands, shown, files, name)
    folder = posixpath.join(place, posixpath.dirname(script.path))
    return Executable(
        argv=made.argv, text=made.text, files=made.files, env=(("BOUGH_SCRIPT_DIR", folder),)
    )


def _used(lists: Lists, names: set[str]) -> Lists:
    """Those that stand in the command; others only decide whether it runs."""
    return {name: paths for name, paths in lists.items() if name in names}


def _of_commands(
    prelude: str, commands: Sequence[str], shown: str, files: tuple[JobFile, ...], name: str
) -> Executable:
    """One command as it is; several, each in a shell of its own, from a file."""
    if len(commands) == 1:
        argv: tuple[str, ...] = ("/bin/sh", "-c", prelude + commands[0])
        return Executable(argv=argv, text=shown, files=files)
    text = prelude + "".join(f"(\n{command}\n) || exit\n" for command in commands)
    argv = ("/bin/sh", "-c", f'. {_FILES}{_COMMAND}"', name)
    return Executable(argv=argv, text=shown, files=(*files, JobFile(name=_COMMAND, text=text)))


def _arguments(script: Script, values: Values, arguments: Sequence[str]) -> list[str]:
    return [word for arg in script.args for word in render_words(arg, values, arguments)]


def _chunks(values: Mapping[str, str], lists: Lists) -> Iterator[Values]:
    """The values for each command line; the longest list is what is spread over several."""
    everything: dict[str, str | Sequence[str]] = {
        **dict.fromkeys(LIST_NAMES, ()),
        **values,
        **lists,
    }
    longest = max(lists, key=lambda name: sum(map(_size, lists[name])), default="")
    if not longest:
        yield everything
        return
    room = MOST_BYTES
    chunk: list[str] = []
    for path in lists[longest]:
        if chunk and _size(path) > room:
            yield {**everything, longest: chunk}
            room, chunk = MOST_BYTES, []
        chunk.append(path)
        room -= _size(path)
    yield {**everything, longest: chunk}


def _size(path: str) -> int:
    """How much room a path takes in a command line, with a space."""
    return len(quote(path).encode("utf-8", "surrogateescape")) + 1


def _shortened(values: Mapping[str, str], lists: Lists) -> Values:
    shown = {
        name: paths if len(paths) <= _MOST_SHOWN else [*paths[:_MOST_SHOWN], "…"]
        for name, paths in lists.items()
    }
    return {**dict.fromkeys(LIST_NAMES, ()), **values, **shown}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
