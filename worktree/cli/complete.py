"""The entry for completion: `<python> -I -S complete.py <cword> <words…>`, candidates by line.

`words` begin with the command's own name; `cword` is the index of the one to complete. Light: the
shell starts this at every Tab, so it and all that it imports make do without dataclasses, typing,
re and the like; the sum is little more than the start of Python. This file is compiled at each
start, being the script, and therefore holds only what cannot stand in `candidates`. Whatever goes
wrong, the answer is empty: nobody wants a traceback in a half-typed line.
"""

from __future__ import annotations

import os
import sys


def main(argv: list[str]) -> int:
    """Write the candidates for `argv` (cword, then words) to standard output."""
    from bough.worktree.cli.candidates import candidates

    try:
        index = int(argv[0])
        words = argv[1:]
        found = candidates(words[1:index], words[index] if index < len(words) else "")
    except (IndexError, OSError, ValueError):
        return 0
    os.write(1, b"".join(name + b"\n" for name in found))
    return 0


def _find_package() -> None:
    """Make `bough` importable, first and alone: what lies beside it in its environment stays out,
    and the standard library's folders are not searched for it."""
    root = __file__.rsplit("/", 4)[0]
    sys.path.insert(0, root)
    import bough.worktree.cli  # noqa: F401 - once imported, it finds its modules by itself

    sys.path.remove(root)


if __name__ == "__main__":
    _find_package()
    # Tearing the interpreter down would take a fifth of the time, and there is nothing to save.
    os._exit(main(sys.argv[1:]))
