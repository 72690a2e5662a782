"""The kinds of values that the schema is made of, each with messages for people.

Every check takes what `nodes.to_plain` makes and returns plain data: text, whole numbers, booleans,
lists. Text may be written as a number or a boolean and stays as it was written; nothing is ever a
null, because a key without a value is a slip.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bough.hooks import globs, templates
from bough.hooks.conditions import ARCHITECTURES, SYSTEMS, canonical_architecture
from bough.hooks.config.derived import parse_range
from bough.hooks.config.nodes import Scalar
from bough.hooks.durations import parse_duration_ms, parse_size
from bough.hooks.errors import did_you_mean, shown
from bough.hooks.events import EVENTS, RESERVED

LONGEST_NAME = 200
FILE_TYPES = ("text", "binary", "executable", "not executable", "symlink", "not symlink")

CONTRACT_VARIABLES = frozenset(
    f"BOUGH_{name}"
    for name in (
        "ATTEMPT",
        "BASE_BRANCH",
        "BRANCH",
        "COMMAND",
        "COMMIT",
        "EVENT",
        "GIT_COMMON_DIR",
        "INVOCATION",
        "JOB",
        "JOB_DIR",
        "MAIN_PATH",
        "OLD_BRANCH",
        "OLD_WORKTREE_PATH",
        "REMOVAL_REASON",
        "REPO_ID",
        "SCRIPT_DIR",
        "WORKTREE_NAME",
        "WORKTREE_PATH",
    )
)
"""What bough tells every job; a value from a file would be overwritten."""

LAYOUTS = ("sibling", "contained", "contained-flat", "nested", "centralized")
_LAYOUT_NAMES = ("repo", "repo_path", "branch", "branch_slug")


SENTENCE = "sentence"
VERDICT = "verdict"


def sentence(message: str) -> PydanticCustomError:
    """An error whose message stands for itself."""
    return PydanticCustomError(SENTENCE, "{message}", {"message": message})


def verdict(message: str) -> PydanticCustomError:
    """An error whose message follows the name of the key: "must be …"."""
    return PydanticCustomError(VERDICT, "{message}", {"message": message})


def described(value: object) -> str:
    """What was written instead, in a few words."""
    match value:
        case Scalar(value=None):
            return "it has no value"
        case Scalar(text=text) | str(text):
            return f"not `{shown(text)}`"
        case dict():
            return "not a mapping"
        case _:
            return "not a list"


# By identity: annotations are hashed, and what a rule says is not hashable.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rule:
    """A check that can also say, in words of JSON Schema, what it accepts; no less than that.

    `raw`: it looks at what stands in the file, before the type is known.
    """

    check: Callable[[Any], object]
    says: Mapping[str, object]
    raw: bool = False

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        if self.raw:
            return core_schema.no_info_before_validator_function(self.check, handler(source))
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core), **self.says}


def _text(value: object) -> object:
    if isinstance(value, Scalar) and value.value is not None:
        return value.text
    if isinstance(value, str):
        return value
    raise verdict(f"must be text; {described(value)}")


def _filled(value: str) -> str:
    if not value.strip():
        raise verdict("must not be empty")
    return value


def _flag(value: object) -> object:
    if isinstance(value, Scalar) and isinstance(value.value, bool):
        return value.value
    raise verdict(f"must be true or false; {described(value)}")


def _listed(value: object) -> object:
    """One value stands for a list of one; a missing value stays what it is."""
    single = isinstance(value, str) or (isinstance(value, Scalar) and value.value is not None)
    return [value] if single else value


def _words(value: object) -> object:
    """Text stands for its words, as a shell would take them apart."""
    text = value.text if isinstance(value, Scalar) and value.value is not None else value
    if not isinstance(text, str):
        return value
    try:
        words = shlex.split(text)
    except ValueError:
        raise verdict("has a quote without its partner") from None
    if not words:
        raise verdict("must not be empty")
    return words


def _whole(least: int, most: int) -> _Rule:
    def check(value: object) -> object:
        if isinstance(value, Scalar) and type(value.value) is int and least <= value.value <= most:
            return value.value
        bounds = f"from {least} to {most}"
        raise verdict(f"must be a whole number {bounds}; {described(value)}")

    return _Rule(check=check, says={"minimum": least, "maximum": most}, raw=True)


def _one_of(*words: str) -> _Rule:
    def check(value: str) -> str:
        if value in words:
            return value
        allowed = ", ".join(words)
        raise verdict(f"must be one of {allowed}; not `{shown(value)}`{did_you_mean(value, words)}")

    return _Rule(check=check, says={"enum": list(words)})


def _parsed(parse: Callable[[str], object], *examples: str) -> _Rule:
    """Text that `parse` accepts; what it says against a text becomes the message."""

    def check(value: str) -> str:
        try:
            parse(value)
        except ValueError as error:
            raise verdict(f"is wrong: {error}") from None
        return value

    return _Rule(check=check, says={"examples": list(examples)})


def _name(value: str) -> str:
    if not value:
        raise verdict("must not be empty")
    if len(value) > LONGEST_NAME:
        raise verdict(f"is longer than {LONGEST_NAME} characters")
    return value


def _event(value: str) -> str:
    if value in EVENTS:
        return value
    if value in RESERVED:
        raise sentence(reserved(value))
    raise sentence(f"unknown event `{shown(value)}`{did_you_mean(value, EVENTS)}")


_CONDITION_WORDS = ("merge", "rebase")


def _condition_word(value: str) -> str:
    if value not in _CONDITION_WORDS:
        allowed = "true, false, merge, rebase, {ref: glob} or {env: NAME}"
        raise verdict(f"takes {allowed}; not `{shown(value)}`")
    return value


def _version(value: str) -> str:
    if not all(part.isascii() and part.isdigit() for part in value.split(".")):
        raise verdict(f"must be a version like 1.2; not `{shown(value)}`")
    return value


def reserved(word: str) -> str:
    """Why a reserved word is refused."""
    own = "; git's own is `git-post-merge`" if word == "post-merge" else ""
    return f"`{word}` is reserved for bough's own merge, which does not exist yet{own}"


def _variable(value: str) -> str:
    if not (value.isascii() and value.isidentifier()):
        raise sentence(f"`{shown(value)}` is not the name of a variable")
    if value in CONTRACT_VARIABLES:
        raise sentence(f"`{value}` is set by bough and cannot be changed")
    return value


def _architecture(value: str) -> str:
    if canonical_architecture(value) not in ARCHITECTURES:
        near = did_you_mean(value, ARCHITECTURES)
        allowed = ", ".join(ARCHITECTURES)
        raise verdict(f"must be one of {allowed}; not `{shown(value)}`{near}")
    return value


def _inside(value: str) -> str:
    """A path that cannot leave the worktree by what is written in it."""
    if value.startswith(("/", "~")):
        raise sentence(f"`{shown(value)}` must be relative to the worktree's root")
    if ".." in value.split("/"):
        raise sentence(f"`{shown(value)}` must not contain `..`: it must stay inside the worktree")
    return value


def _layout(value: str) -> str:
    if value in LAYOUTS:
        return value
    if "{" not in value:
        allowed = ", ".join(LAYOUTS)
        near = did_you_mean(value, LAYOUTS)
        raise verdict(f"must be one of {allowed}, or a template; not `{shown(value)}`{near}")
    found = templates.faults(value, command=False, arguments=False, names=_LAYOUT_NAMES)
    if found:
        raise verdict(f"is wrong: {found[0]}")
    if "{branch}" not in value and "{branch_slug}" not in value:
        raise verdict("must contain {branch} or {branch_slug}: every worktree needs its own path")
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text)]
Filled = Annotated[Text, _Rule(check=_filled, says={"minLength": 1})]
Name = Annotated[Text, _Rule(check=_name, says={"minLength": 1, "maxLength": LONGEST_NAME})]
Names = Annotated[list[Name], BeforeValidator(_listed)]
Event = Annotated[str, _Rule(check=_event, says={"enum": list(EVENTS)})]
Variable = Annotated[str, _Rule(check=_variable, says={"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})]
Variables = Annotated[
    list[Annotated[Text, _Rule(check=_variable, says={"minLength": 1})]], BeforeValidator(_listed)
]
Environment = dict[Variable, Text]
Path = Annotated[Filled, AfterValidator(_inside)]
Paths = Annotated[list[Path], BeforeValidator(_listed)]
Words = Annotated[list[Filled], BeforeValidator(_words)]
Duration = Annotated[Text, _parsed(parse_duration_ms, "30s", "1h30m")]
Size = Annotated[Text, _parsed(parse_size, "500KB", "10MiB")]
Glob = Annotated[Filled, _parsed(globs.compile_glob, "src/**/*.py")]
Globs = Annotated[list[Glob], BeforeValidator(_listed)]
FileTypes = Annotated[list[Annotated[Text, _one_of(*FILE_TYPES)]], BeforeValidator(_listed)]
Layout = Annotated[Filled, _Rule(check=_layout, says={"examples": list(LAYOUTS)})]
PortRange = Annotated[Text, _parsed(parse_range, "20000-32767")]
Offset = Annotated[int, _whole(0, 999)]
Count = Annotated[int, _whole(1, 1_000_000)]
Limit = Annotated[int, _whole(1, 1_000)]
Retries = Annotated[int, _whole(0, 20)]
Priority = Annotated[int, _whole(-1_000_000, 1_000_000)]
ConditionWord = Annotated[Text, _Rule(check=_condition_word, says={"enum": list(_CONDITION_WORDS)})]
Version = Annotated[Text, AfterValidator(_version)]
When = Annotated[Text, _one_of("success", "always", "failure")]
Output = Annotated[Text, _one_of("log", "silent")]
Missing = Annotated[Text, _one_of("skip", "fail")]
LockMode = Annotated[Text, _one_of("read", "write")]
FailMode = Annotated[Text, _one_of("abort", "warn")]
Systems = Annotated[list[Annotated[Text, _one_of(*SYSTEMS)]], BeforeValidator(_listed)]
Architectures = Annotated[
    list[Annotated[Text, _Rule(check=_architecture, says={"examples": list(ARCHITECTURES)})]],
    BeforeValidator(_listed),
]
