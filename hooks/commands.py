"""What a job is executed with: its command line, the files that go with it, what people are shown.

Pure: a job and values in, words out. Everything runs under plain `sh`. A script runs from a copy
of the bytes that were hashed for trust, in the job's own folder, which `$BOUGH_JOB_DIR` names; the
same holds for `rc`, which is read before the command. No value and no name is ever put into the
text that `sh` reads without quotes.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bough.coordinator.model import JobFile
from bough.hooks.config.model import Job, Script
from bough.hooks.templates import quote, render_command, render_words

_FILES = '"$BOUGH_JOB_DIR/files/'
_RC = "rc"
_SCRIPTS = "script"
"""Apart from everything else in there, so that a script can be called as it likes."""
_SOURCE_RC = f'. {_FILES}{_RC}"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """`text` is what a person is shown as the command."""

    argv: tuple[str, ...]
    text: str
    files: tuple[JobFile, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


def executable(
    job: Job, system: str, values: Mapping[str, str], arguments: Sequence[str], place: str
) -> Executable:
    """The command of `job`, rendered for `system`; `place` is the folder that scripts lie below."""
    rc = (JobFile(name=_RC, text=_text(job.rc)),) if job.rc else ()
    prelude = _SOURCE_RC if job.rc else ""
    if job.script is None:
        command = render_command(dict(job.run).get(system, ""), values, arguments)
        return Executable(argv=("/bin/sh", "-c", prelude + command), text=command, files=rc)
    script = job.script
    name = posixpath.basename(script.path)
    words = [word for arg in script.args for word in render_words(arg, values, arguments)]
    start = "".join(f"{quote(word)} " for word in script.runner)
    return Executable(
        argv=(
            *("/bin/sh", "-c", f'{prelude}exec {start}{_FILES}{_SCRIPTS}/$0" "$@"'),
            *(name, *words),
        ),
        text=shlex.join([*script.runner, script.path, *words]),
        files=(*rc, _copy(script, name)),
        env=(("BOUGH_SCRIPT_DIR", posixpath.join(place, posixpath.dirname(script.path))),),
    )


def _copy(script: Script, name: str) -> JobFile:
    return JobFile(name=f"{_SCRIPTS}/{name}", text=_text(script.data), mode=0o700)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
