"""What a wrong command line gets to hear: Typer's findings, as errors like all others.

Pure: an error of Typer's and the arguments in, a `UsageError` out. What Typer quotes of its own
machinery ("Value error, …") is put into words.
"""

from __future__ import annotations

from collections.abc import Sequence

from bough.coordinator.errors import UsageError

_GLOBAL_OPTIONS = frozenset({"-C", "-q", "--quiet", "-v", "--verbose", "--version"})
_WORDS = (
    ("Value error, ", ""),
    (", unable to parse string as an integer", ""),
    ("Input should be", "it must be"),
    ("a valid int range", "a number"),
    ("a valid integer", "a number"),
    ("a valid int", "a number"),
)


def misused(error: Exception, arguments: Sequence[str], verbs: Sequence[str]) -> UsageError:
    """The error to raise for Typer's `error` about `arguments`; `verbs` are all that exist."""
    path = _command(error, arguments, verbs)
    option = getattr(error, "option_name", "")
    if option in _GLOBAL_OPTIONS and path != "bough":
        words = f"{option} DIR" if option == "-C" else option
        hint = f"It goes before the verb: bough {words} {path.removeprefix('bough ')} …"
    else:
        hint = f"{path} --help"
    return UsageError(_message(error), hint=hint)


def _message(error: Exception) -> str:
    text = str(error.format_message() if hasattr(error, "format_message") else error)
    for theirs, ours in _WORDS:
        text = text.replace(theirs, ours)
    text = text.removesuffix(".")
    return text[:1].lower() + text[1:]


def _command(error: Exception, arguments: Sequence[str], verbs: Sequence[str]) -> str:
    """The command that was meant, as it is typed: what Typer knows, else the first verb."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path)
    if getattr(error, "option_name", "") in _GLOBAL_OPTIONS:
        return "bough"
    verb = next((word for word in arguments if word in verbs), None)
    return f"bough {verb}" if verb else "bough"
