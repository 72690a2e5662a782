"""Reading a command line by hand, where the parser is not loaded yet or has refused it.

Pure, and light: the entry of every command imports it.
"""

from __future__ import annotations

_VALUED_GLOBALS = frozenset({"-C"})
_VALUED_OF_RUN = frozenset({"--format", "--skip-hooks"})


def verb_at(arguments: list[str]) -> int:
    """Where the verb stands; the number of arguments if there is none."""
    return _next_word(arguments, 0, _VALUED_GLOBALS)


def wants_json(arguments: list[str]) -> bool:
    """Whether bough is asked for JSON. What follows the name of a task is the task's own."""
    verb = verb_at(arguments)
    words = arguments
    if words[verb : verb + 1] == ["run"]:
        words = words[: _next_word(words, verb + 1, _VALUED_OF_RUN)]
    return "--format=json" in words or "--format\0json" in "\0".join(words)


def _next_word(arguments: list[str], start: int, valued: frozenset[str]) -> int:
    """Where the first word stands that is neither an option nor the value of a `valued` one."""
    index = start
    while index < len(arguments) and arguments[index].startswith("-"):
        index += 2 if arguments[index] in valued else 1
    return index
