"""Where every `bough …` begins: light entries first, then the command line, then the one printer.

Light: importing this module must cost nothing, because completion and git's hooks come through it.
Whatever goes wrong below is a `BoughError`, printed here and nowhere else; anything else is a bug,
which leaves a crash log and its path, never a traceback.
"""

from __future__ import annotations

import os
import sys

from bough.worktree.cli.words import wants_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bough.coordinator.errors import BoughError

_INTERRUPTED = 130
_BUG = 70


def main() -> None:
    """The console script: run what `sys.argv` says and exit with its documented status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    if sys.platform == "win32":
        sys.stderr.write("bough: Windows is not supported; use it under WSL.\n")
        return 1
    if arguments[:1] == ["__complete"]:
        from bough.worktree.cli import complete

        return complete.main(arguments[1:])
    _tolerant_streams()
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader (head, a pager) has seen enough.
        from bough.worktree.cli.terminal import abandon

        abandon(sys.stdout)
        return 141
    except Exception as error:  # noqa: BLE001  the boundary: our errors are told, others are bugs
        return _told(error, arguments)


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["__hook"]:
        from bough.worktree.cli import githook

        return githook.main(arguments[1:])
    from bough.worktree.cli import app

    return app.main(arguments)


def _tolerant_streams() -> None:
    """Undecodable names are printed as the bytes they are."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="surrogateescape")


def _told(error: Exception, arguments: list[str]) -> int:
    from bough.coordinator.errors import BoughError

    if isinstance(error, BoughError):
        _print(error, as_json=wants_json(arguments))
        return int(error.exit)
    path = _crash_log(error, arguments)
    sys.stderr.write(f"bough: a bug: {type(error).__name__}: {error}\n")
    sys.stderr.write(f"  The crash log is {path}; please report it with what you did.\n")
    return _BUG


def _print(error: BoughError, *, as_json: bool) -> None:
    if as_json:
        import json

        body = {
            "code": error.code,
            "exit": int(error.exit),
            "message": error.message,
            "hint": error.hint,
        }
        sys.stderr.write(json.dumps({"error": body}) + "\n")
        return
    sys.stderr.write(f"bough: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")


def _crash_log(error: Exception, arguments: list[str]) -> str:
    import tempfile
    import time
    import traceback

    import bough

    text = "".join(traceback.format_exception(error))
    stamp = time.strftime("%Y%m%d-%H%M%S")
    fd, path = tempfile.mkstemp(prefix=f"bough-crash-{stamp}-", suffix=".txt", text=True)
    with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"bough {bough.__version__}, Python {sys.version}\n{arguments!r}\n\n{text}")
    return path


if __name__ == "__main__":
    main()
