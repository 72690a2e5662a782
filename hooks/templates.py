"""Templates in job texts: `{branch}`, `{branch|raw}`, `{env:NAME}`, `{0}`, `{1}`…

Pure: text and values to text. What counts as a template, exactly: an opening brace without a `$`
before it, then a name in small letters, or a number, or `env:` and a variable's name, perhaps `|`
and a modifier, then the closing brace, with nothing else in between. All other braces are the
shell's, or some program's, and stay as they are: `${HOME}`, `{a,b}`, `{ echo; }`, `{{.Names}}`,
and git's `@{u}` and `@{1}`. Two braces around what would be a template stand for one: `{{print}}`
becomes `{print}` (and `{{{end}}}` becomes `{{end}}`).

In a command every value is quoted for the place where it stands, so that it is one word, or a part
of one, and never code: `$(touch x)` stays a name. The exceptions are the writer's own: `|raw`, and
a value that is handed to a second interpreter, as in `sh -c "echo {branch}"`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bough.hooks.errors import did_you_mean, shown
from bough.hooks.shelltext import Context, Quoting, contexts

NAMES = frozenset(
    {
        "branch",
        "branch_slug",
        "worktree_path",
        "worktree_name",
        "main_path",
        "repo",
        "base_branch",
        "commit",
        "event",
        "job_name",
        "old_path",
        "old_branch",
    }
)
"""The templates that stand for a value of the invocation."""

LIST_NAMES = ("staged_files", "push_files", "changed_files", "files", "all_files")
"""The templates that stand for lists of files."""

_BODY = r"(?:env:[A-Za-z_][A-Za-z0-9_]*|[a-z_][a-z0-9_]*|[0-9]{1,9})(?:\|[a-z]+)?"
_TOKEN = re.compile(rf"(?<!\$)(?:\{{\{{({_BODY})\}}\}}|(?<!\$\{{)\{{({_BODY})\}})")


Values = Mapping[str, str | Sequence[str]]
"""By name: a text, or the paths of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """A template in a text: `body` is what stands between the braces."""

    body: str
    start: int
    end: int
    context: Context

    @property
    def name(self) -> str:
        return self.body.partition("|")[0]

    @property
    def modifier(self) -> str:
        return self.body.partition("|")[2]

    @property
    def variable(self) -> str:
        """The NAME of an `env:NAME`, else empty."""
        return self.name.removeprefix("env:") if self.name.startswith("env:") else ""


def quote(value: str) -> str:
    """`value` as one word of a POSIX shell, whatever is in it."""
    return "'" + value.replace("'", "'\\''") + "'"


def faults(
    text: str,
    *,
    command: bool,
    arguments: bool,
    names: Collection[str] = NAMES,
    lists: bool | None = None,
) -> tuple[str, ...]:
    """What is wrong with the templates of `text`, in plain words; empty if nothing is.

    `command`: the text is a shell command. `arguments`: `{0}`, `{1}`… exist. `lists`: so do lists
    of files; by default they do in commands.
    """
    if command if lists is None else lists:
        names = {*names, *LIST_NAMES}
    messages = (_fault(slot, command, arguments, names) for slot in _slots(text, command, names))
    return tuple(dict.fromkeys(message for message in messages if message))


def names_used(text: str, *, command: bool) -> set[str]:
    """The names of all templates in a text without `faults`."""
    return {slot.name for slot in _slots(text, command, (*NAMES, *LIST_NAMES))}


def render_command(text: str, values: Values, arguments: Sequence[str]) -> str:
    """`text` with every template's value, quoted for its place; an absent argument is no word.

    The text must have no `faults`; ValueError if a template cannot be placed safely.
    """
    return _render(text, True, values, arguments)


def render_value(text: str, values: Values, arguments: Sequence[str]) -> str:
    """`text` with every template's value as it is: for what no shell will read."""
    return _render(text, False, values, arguments)


def render_words(text: str, values: Values, arguments: Sequence[str]) -> tuple[str, ...]:
    """One word of a command line that no shell reads.

    `{0}`, or a list, alone is a word for each argument, or file.
    """
    name = text.removeprefix("{").removesuffix("}").removesuffix("|raw")
    if text in (f"{{{name}}}", f"{{{name}|raw}}"):
        if name == "0":
            return tuple(arguments)
        value = values.get(name, "")
        if not isinstance(value, str):
            return tuple(value)
    return (render_value(text, values, arguments),)


def _slots(text: str, command: bool, names: Collection[str]) -> list[_Slot]:
    matches = [match for match in _TOKEN.finditer(text) if match[2]]
    found = contexts(text, [match.start() for match in matches]) if command and matches else {}
    slots = (
        _Slot(
            body=match[2],
            start=match.start(),
            end=match.end(),
            context=found.get(match.start(), Context()),
        )
        for match in matches
    )
    return [slot for slot in slots if not _left_alone(text, slot, names)]


def _left_alone(text: str, slot: _Slot, names: Collection[str]) -> bool:
    """A comment is not executed; `@{…}` is git's unless the name is one of ours."""
    if slot.context.quoting is Quoting.COMMENT:
        return True
    return text[max(slot.start - 1, 0)] == "@" and slot.name not in names and not slot.variable


def _fault(slot: _Slot, command: bool, arguments: bool, names: Collection[str]) -> str:
    written = f"`{{{slot.body}}}`"
    mistake = _mistake(slot, command, arguments, names)
    if mistake:
        end = " " if mistake.endswith("?") else ". "
        escape = f"For these characters themselves write `{{{{{slot.body}}}}}`."
        return mistake.format(written) + end + escape
    if slot.context.fault and slot.modifier != "raw":
        return f"{written} cannot be quoted safely here: {slot.context.fault}"
    return ""


def _mistake(slot: _Slot, command: bool, arguments: bool, names: Collection[str]) -> str:
    """What keeps the braces from being a template; `{}` stands for what was written."""
    if slot.modifier not in ("", "raw") or (slot.variable and slot.modifier):
        return "{} has an unknown modifier; only `|raw` exists, and not for `env:`"
    if slot.variable:
        return "" if command else "{} works in `run` only"
    if slot.name.isdigit():
        told = "{} stands for an argument, and only tasks and git's own hooks have arguments"
        return "" if arguments else told
    if slot.name in LIST_NAMES and slot.name not in names:
        return "{} is a list of files, which only `run` and `args` take"
    if slot.name not in names:
        return f"unknown template {{}}{did_you_mean(slot.name, names)}"
    return ""


def _render(text: str, command: bool, values: Values, arguments: Sequence[str]) -> str:
    pieces: list[tuple[int, int, str]] = [
        (match.start(), match.end(), f"{{{match[1]}}}")
        for match in _TOKEN.finditer(text)
        if match[1]
    ]
    pieces += [
        (slot.start, slot.end, _placed(slot, command, values, arguments))
        for slot in _slots(text, command, values)
    ]
    return "".join(_assembled(text, sorted(pieces)))


def _assembled(text: str, pieces: Iterable[tuple[int, int, str]]) -> Iterable[str]:
    done = 0
    for start, end, replacement in pieces:
        yield text[done:start]
        yield replacement
        done = end
    yield text[done:]


def _placed(slot: _Slot, command: bool, values: Values, arguments: Sequence[str]) -> str:
    """What stands in the template's place: inside quotes, these are closed around it."""
    raw = slot.modifier == "raw" or not command
    if slot.variable:
        replacement = f'"${{{slot.variable}}}"'
    elif slot.name.isdigit():
        chosen = _chosen(int(slot.name), arguments)
        replacement = " ".join(chosen if raw else map(quote, chosen))
    else:
        value = values[slot.name]
        words = [value] if isinstance(value, str) else value
        replacement = " ".join(words if raw else map(quote, words))
    if raw:
        return replacement
    if slot.context.fault:
        raise ValueError(f"{shown(slot.body)} cannot be quoted safely: {slot.context.fault}")
    around = slot.context.quoting.value
    return f"{around}{replacement}{around}"


def _chosen(number: int, arguments: Sequence[str]) -> Sequence[str]:
    """All arguments for 0, else the one with this number, if there is one."""
    return arguments if number == 0 else arguments[number - 1 : number]
