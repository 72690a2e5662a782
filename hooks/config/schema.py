"""The shape of one configuration file, as pydantic models; nothing in it is required.

A file may be a layer that changes one key of a job declared elsewhere, so what must be there is
asked of the merged result (`checks`). A dump of what was set is plain data with one spelling for
everything: lists where one value may stand for a list, text where a number may stand for text.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Tag,
    ValidationInfo,
    model_validator,
)

from bough.hooks.config import fields
from bough.hooks.config.merge import MODES
from bough.hooks.config.nodes import Scalar


class Shape(BaseModel):
    """A mapping with known keys. With a context, says there which mapping it was checked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _claim(cls, data: object, info: ValidationInfo) -> object:
        """Leave word for the messages: which keys this very mapping could have had."""
        if isinstance(data, dict) and info.context is not None:
            info.context[id(data)] = cls
        return data


class ConditionShape(Shape):
    """`{ref: glob}` or `{env: NAME}`, with a `desc` for people."""

    ref: fields.Glob | None = None
    env: fields.Filled | None = None
    desc: fields.Filled | None = None

    @model_validator(mode="after")
    def _looks_at_one_thing(self) -> ConditionShape:
        if (self.ref is None) == (self.env is None):
            raise fields.sentence("a condition has exactly one of `ref` and `env`")
        return self


def _condition_form(value: object) -> str:
    """Asked about what is in the file, and again, for the dump, about what was made of it."""
    plain = value.value if isinstance(value, Scalar) else value
    if isinstance(plain, bool):
        return "(flag)"
    return "(mapping)" if isinstance(plain, (dict, ConditionShape)) else "(word)"


Condition = Annotated[
    Annotated[fields.Flag, Tag("(flag)")]
    | Annotated[fields.ConditionWord, Tag("(word)")]
    | Annotated[ConditionShape, Tag("(mapping)")],
    Discriminator(_condition_form),
]


def _conditions(value: object) -> object:
    """One condition stands for a list of one."""
    missing = isinstance(value, Scalar) and value.value is None
    return value if isinstance(value, list) or missing else [value]


Conditions = Annotated[list[Condition], BeforeValidator(_conditions)]


class RunShape(Shape):
    """A command per system."""

    linux: fields.Filled | None = None
    macos: fields.Filled | None = None


def _run_form(value: object) -> str:
    return "(mapping)" if isinstance(value, (dict, RunShape)) else "(text)"


Run = Annotated[
    Annotated[fields.Filled, Tag("(text)")] | Annotated[RunShape, Tag("(mapping)")],
    Discriminator(_run_form),
]


class RetriesShape(Shape):
    """Automatic retries."""

    max: fields.Retries | None = None
    backoff: fields.Duration | None = None


def _retries(value: object) -> object:
    """A bare number is `max`."""
    bare = isinstance(value, Scalar) and value.value is not None
    return {"max": value} if bare or isinstance(value, str) else value


Retries = Annotated[
    RetriesShape,
    BeforeValidator(_retries, json_schema_input_type=fields.Retries | RetriesShape),
]


class LogShape(Shape):
    """What is kept of a job's output, and for how long."""

    retention: fields.Duration | None = None
    max_size: fields.Size | None = None
    sample_every: fields.Count | None = None


class JobShape(Shape):
    """One job, or one layer of it."""

    name: fields.Name | None = None
    description: fields.Text | None = None
    run: Run | None = None
    script: fields.Path | None = None
    runner: fields.Words | None = None
    args: fields.Words | None = None
    group: GroupShape | None = None
    root: fields.Path | None = None
    env: fields.Environment | None = None
    needs: fields.Names | None = None
    when: fields.When | None = None
    background: fields.Flag | None = None
    background_output: fields.Output | None = None
    tags: fields.Names | None = None
    skip: Conditions | None = None
    only: Conditions | None = None
    os: fields.Systems | None = None
    arch: fields.Architectures | None = None
    requires: fields.Names | None = None
    requires_mode: fields.Missing | None = None
    timeout: fields.Duration | None = None
    idle_timeout: fields.Duration | None = None
    retries: Retries | None = None
    glob: fields.Globs | None = None
    exclude: fields.Globs | None = None
    files: fields.Filled | None = None
    file_types: fields.FileTypes | None = None
    stage_fixed: fields.Flag | None = None
    allow_failure: fields.Flag | None = None
    priority: fields.Priority | None = None
    locks: dict[fields.Name, fields.LockMode] | None = None
    fail_text: fields.Text | None = None
    log: LogShape | None = None


class GroupShape(Shape):
    """Jobs that are one step of what surrounds them, with a mode of their own."""

    jobs: list[JobShape] | None = None
    parallel: fields.Flag | None = None
    sequential: fields.Flag | None = None
    piped: fields.Flag | None = None

    @model_validator(mode="after")
    def _has_one_mode(self) -> GroupShape:
        chosen = [f"`{name}`" for name in MODES if getattr(self, name)]
        if len(chosen) > 1:
            raise fields.sentence(f"{' and '.join(chosen)} exclude each other; keep one")
        if self.parallel is False and not chosen:
            raise fields.sentence(
                "`parallel: false` leaves open how: write `sequential` or `piped`"
            )
        return self


JobShape.model_rebuild()


class HookShape(GroupShape):
    """The jobs of one event, and what holds for all of them."""

    background: fields.Flag | None = None
    fail_mode: fields.FailMode | None = None
    skip: Conditions | None = None
    only: Conditions | None = None
    exclude_tags: fields.Names | None = None
    glob: fields.Globs | None = None
    exclude: fields.Globs | None = None
    files: fields.Filled | None = None
    file_types: fields.FileTypes | None = None
    env: fields.Environment | None = None


def _task_form(value: object) -> str:
    if isinstance(value, dict):
        return "(hook)" if "jobs" in value else "(job)"
    return "(hook)" if isinstance(value, HookShape) else "(job)"


Task = Annotated[
    Annotated[HookShape, Tag("(hook)")] | Annotated[JobShape, Tag("(job)")],
    Discriminator(_task_form),
]


class CoordinatorShape(Shape):
    """What the file says to the repository's coordinator."""

    max_parallel: fields.Limit | None = None
    idle_exit: fields.Duration | None = None


def _names_form(value: object) -> str:
    return "(offsets)" if isinstance(value, dict) else "(list)"


PortNames = Annotated[
    Annotated[fields.Variables, Tag("(list)")]
    | Annotated[dict[fields.Variable, fields.Offset], Tag("(offsets)")],
    Discriminator(_names_form),
]


class PortsShape(Shape):
    """A block of ports for each worktree."""

    range: fields.PortRange | None = None
    block_size: fields.Limit | None = None
    salt: fields.Filled | None = None
    names: PortNames | None = None


class EnvShape(Shape):
    """Variables that are derived for each worktree."""

    ports: PortsShape | None = None
    values: fields.Environment | None = None


class FileShape(Shape):
    """A whole file."""

    min_version: fields.Version | None = None
    extends: fields.Paths | None = None
    rc: fields.Path | None = None
    layout: fields.Layout | None = None
    env: EnvShape | None = None
    hooks: dict[fields.Event, HookShape] | None = None
    tasks: dict[fields.Name, Task] | None = None
    coordinator: CoordinatorShape | None = None
