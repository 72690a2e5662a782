"""From a hook and the facts of one firing to its plan: which jobs run, where, and how.

Pure: a hook that passed the checks, facts and the user's wishes in, rows out. Invariants: every
declared job is in the plan exactly once and in declared order, with a reason if it does not run; no
foreground job waits for a background one; in a gate nothing is in the background.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bough.coordinator.model import JobSpec, NewJob, Owner, SkipClass
from bough.hooks.commands import executable
from bough.hooks.conditions import Situation, reason_to_skip, wrong_platform
from bough.hooks.config.model import Hook, Job, Missing
from bough.hooks.errors import shown
from bough.hooks.events import POST_MOVE, FailMode, default_fail_mode, is_gate
from bough.hooks.graph import promoted
from bough.hooks.ordering import Before, ordered
from bough.hooks.selecting import NO_FILES, FileList, lists_of, selected
from bough.hooks.skipping import EVERYTHING, Choice, not_chosen, skipped_jobs
from bough.hooks.templates import render_command, render_value

BACKGROUND_TIMEOUT_MS = 3_600_000
"""Nobody watches a background job, so one that hangs must end by itself."""

_REFUSE = 'printf "bough: %s\\n" "$1" >&2; exit "$2"'
_EXIT_MISSING_TOOL = "127"
_EXIT_OUTSIDE = "126"
_EXIT_NO_LIST = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when an event fires. Paths are absolute; empty text: there is none.

    `cwd` is where the jobs run if that is not the worktree that they are about: a worktree that
    does not exist yet, or no longer. `env` is looked at by conditions only. `removal_reason` is
    set for removals; `old_path` and `old_branch` for moves and switches.
    """

    event: str
    branch: str
    branch_slug: str
    worktree_path: str
    worktree_name: str
    main_path: str
    repo: str
    repo_id: str
    git_common_dir: str
    base_branch: str
    commit: str
    command: str
    invocation: str
    os: str
    arch: str
    cwd: str = ""
    old_path: str = ""
    old_branch: str = ""
    removal_reason: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    missing_tools: frozenset[str] = frozenset()
    merging: bool = False
    rebasing: bool = False
    lists: Mapping[tuple[str, str], FileList] | None = None
    """By job and name of the list; None: they have not been made, and nothing depends on them."""

    def with_lists(self, lists: Mapping[tuple[str, str], FileList]) -> Facts:
        """These facts, and the lists that jobs ask for."""
        return replace(self, lists=lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a firing will do: `jobs` in declared order.

    `warnings` are sentences for a person. `unmatched` are selectors that meant no job here; they
    may have been meant for another event of the same command.
    """

    jobs: tuple[NewJob, ...]
    stage: Mapping[str, tuple[str, ...]]
    """By job: the paths, from the worktree's root, to be staged again after it has succeeded."""
    fail_mode: FailMode
    warnings: tuple[str, ...]
    unmatched: tuple[str, ...]


def required_tools(hook: Hook) -> frozenset[str]:
    """The tools to look up on PATH; what is not there goes into `Facts.missing_tools`."""
    return frozenset(tool for job in hook.jobs for tool in job.requires)


def plan(
    hook: Hook,
    event: str,
    facts: Facts,
    selectors: tuple[str, ...],
    override: Owner | None,
    choice: Choice = EVERYTHING,
) -> Plan:
    """The plan of `hook` for one firing of `event`.

    `selectors` are the values of `--skip-hooks` and `BOUGH_SKIP`, unsplit. `override` puts all jobs
    in the foreground or in the background; a gate's stay in the foreground. With a `choice` nothing
    else runs.
    """
    tags = {job.name: job.tags for job in hook.jobs}
    needs = {job.name: job.needs for job in hook.jobs}
    skipped = skipped_jobs(selectors, event, tags, needs)
    by_user = {**not_chosen(choice, tags, needs), **skipped.reasons}
    reasons = {
        job.name: _own_reason(hook, job, facts) for job in hook.jobs if job.name not in by_user
    }
    running = [job for job in hook.jobs if reasons.get(job.name) == ""]
    before = ordered(hook.mode, running)
    owners, warnings = _owners(event, running, before, override)
    rows: list[NewJob] = []
    for job in hook.jobs:
        owner = owners.get(job.name, _declared(job, event, override))
        spec = _spec(hook, job, facts, owner, before.get(job.name, Before()))
        skip, reason = _skip(job.name, by_user, reasons)
        rows.append(NewJob(spec=spec, owner=owner, skip=skip, reason=reason))
    return Plan(
        jobs=tuple(rows),
        stage={job.name: _paths(job, facts) for job in running if job.stage_fixed},
        fail_mode=hook.fail_mode or default_fail_mode(event),
        warnings=warnings,
        unmatched=skipped.unmatched,
    )


def _skip(
    name: str, by_user: Mapping[str, str], by_condition: Mapping[str, str]
) -> tuple[SkipClass | None, str]:
    if name in by_user:
        return SkipClass.USER, by_user[name]
    reason = by_condition[name]
    return (SkipClass.CONDITION if reason else None), reason


def _own_reason(hook: Hook, job: Job, facts: Facts) -> str:
    """Why the job does not run by conditions of its own and its hook's; '' if it does."""
    reason = wrong_platform(job.os, job.arch, system=facts.os, architecture=facts.arch)
    if reason:
        return reason
    if job.script is None and facts.os not in dict(job.run):
        return f"no run for {facts.os}"
    for tag in hook.exclude_tags:
        if tag in job.tags:
            return f"exclude_tags: {shown(tag)}"
    situation = Situation(
        branch=facts.branch, env=facts.env, merging=facts.merging, rebasing=facts.rebasing
    )
    for declared in (hook, job):
        reason = reason_to_skip(declared.skip, declared.only, situation)
        if reason:
            return reason
    reason = _missing(job, facts) if job.requires_mode is Missing.SKIP else ""
    return reason or ("" if all(_lists(job, facts).values()) else NO_FILES)


def _lists(job: Job, facts: Facts) -> dict[str, tuple[str, ...]]:
    """The files of each list that the job asks for, as it is to be told them.

    A list that could not be made is told as a failure of the job, and one that was not made yet
    keeps nothing from running: both are not here.
    """
    if facts.lists is None:
        return {}
    root = render_value(job.root, _template_values(job, facts), facts.args)
    names = lists_of(job, facts.event, facts.os)
    found = {name: facts.lists[job.name, name] for name in names}
    return {
        name: selected(made.files, job, root) for name, made in found.items() if not made.problem
    }


def _unlisted(job: Job, facts: Facts) -> str:
    """Why a list that the job asks for could not be made; '' if all are there."""
    lists = facts.lists or {}
    names = lists_of(job, facts.event, facts.os) if lists else ()
    return next((lists[job.name, name].problem for name in names), "")


def _paths(job: Job, facts: Facts) -> tuple[str, ...]:
    root = render_value(job.root, _template_values(job, facts), facts.args)
    lists = _lists(job, facts).values()
    paths = [posixpath.normpath(posixpath.join(root, path)) for found in lists for path in found]
    return tuple(dict.fromkeys(paths))


def files_command(job: Job, facts: Facts) -> str:
    """The command that prints the job's own list, rendered."""
    return render_command(job.files, _template_values(job, facts), facts.args)


def environment_of(hook: Hook, job: Job, facts: Facts) -> dict[str, str]:
    """What a job adds to the environment that it inherits."""
    values = _template_values(job, facts)
    declared = (*hook.env, *job.env)
    rendered = {name: render_value(text, values, facts.args) for name, text in declared}
    return rendered | _contract(job, facts)


def _missing(job: Job, facts: Facts) -> str:
    tools = [shown(tool) for tool in job.requires if tool in facts.missing_tools]
    return f"missing tool: {', '.join(tools)}" if tools else ""


def _declared(job: Job, event: str, override: Owner | None) -> Owner:
    if is_gate(event):
        return Owner.FOREGROUND
    return override or (Owner.BACKGROUND if job.background else Owner.FOREGROUND)


def _owners(
    event: str, running: Sequence[Job], before: Mapping[str, Before], override: Owner | None
) -> tuple[dict[str, Owner], tuple[str, ...]]:
    """Who owns each job that runs, and what to tell about jobs that an order pulled along."""
    owners = {job.name: _declared(job, event, override) for job in running}
    edges = {job.name: [*job.needs, *before[job.name].names] for job in running}
    foreground = [name for name, owner in owners.items() if owner is Owner.FOREGROUND]
    needs = {job.name: job.needs for job in running}
    warnings: list[str] = []
    for name, via in promoted(edges, foreground).items():
        if owners[name] is Owner.BACKGROUND:
            owners[name] = Owner.FOREGROUND
            if name not in needs[via]:
                warnings.append(
                    f"{shown(name)} runs in the foreground: {shown(via)}, which does, comes after"
                )
    return owners, tuple(warnings)


def _spec(hook: Hook, job: Job, facts: Facts, owner: Owner, before: Before) -> JobSpec:
    values = _template_values(job, facts)
    place = facts.cwd or facts.worktree_path
    lists = _lists(job, facts)
    command = executable(job, facts.os, values, lists, facts.args, place)
    env = environment_of(hook, job, facts)
    root = render_value(job.root, values, facts.args)
    default_timeout = BACKGROUND_TIMEOUT_MS if owner is Owner.BACKGROUND else None
    return JobSpec(
        name=job.name,
        argv=_refusal(job, facts, place, root) or command.argv,
        cwd=posixpath.normpath(posixpath.join(place, root)) if _inside(place, root) else place,
        env=(*env.items(), *command.env),
        files=command.files,
        needs=tuple(dict.fromkeys((*job.needs, *before.needs))),
        after=tuple(dict.fromkeys(before.after)),
        when=job.when,
        timeout_ms=default_timeout if job.timeout_ms is None else job.timeout_ms or None,
        idle_timeout_ms=job.idle_timeout_ms or None,
        retry=job.retry,
        allow_failure=job.allow_failure,
        priority=job.priority,
        locks=job.locks,
        output=job.output,
        log=job.log,
        tags=job.tags,
        retention_s=job.retention_s,
        fail_text=job.fail_text,
        command_text=command.text,
    )


def _refusal(job: Job, facts: Facts, place: str, root: str) -> tuple[str, ...]:
    """What to run in the place of a job that must fail, saying why; () if it need not."""
    missing = _missing(job, facts)
    problem = _unlisted(job, facts)
    if problem:
        return ("/bin/sh", "-c", _REFUSE, "bough", problem, _EXIT_NO_LIST)
    if missing:
        return ("/bin/sh", "-c", _REFUSE, "bough", missing, _EXIT_MISSING_TOOL)
    if not _inside(place, root):
        message = f"root is outside the worktree: {shown(root)}"
        return refusing(message)
    return ()


def refusing(message: str) -> tuple[str, ...]:
    """What to execute in the place of a command that would run outside of the worktree."""
    return ("/bin/sh", "-c", _REFUSE, "bough", message, _EXIT_OUTSIDE)


def _inside(place: str, root: str) -> bool:
    """Whether `root`, rendered, stays in `place` as it is written; links are for the executor."""
    if ".." in root.split("/"):
        return False
    path = posixpath.normpath(posixpath.join(place, root))
    return path == posixpath.normpath(place) or path.startswith(place.rstrip("/") + "/")


def _template_values(job: Job, facts: Facts) -> dict[str, str]:
    return {
        "branch": facts.branch,
        "branch_slug": facts.branch_slug,
        "worktree_path": facts.worktree_path,
        "worktree_name": facts.worktree_name,
        "main_path": facts.main_path,
        "repo": facts.repo,
        "base_branch": facts.base_branch,
        "commit": facts.commit,
        "event": facts.event,
        "job_name": job.name,
        "old_path": facts.old_path,
        "old_branch": facts.old_branch,
    }


def _contract(job: Job, facts: Facts) -> dict[str, str]:
    """The BOUGH_ variables of every job; the attempt's number is for the executor to add."""
    variables = {
        "BOUGH_EVENT": facts.event,
        "BOUGH_JOB": job.name,
        "BOUGH_INVOCATION": facts.invocation,
        "BOUGH_REPO_ID": facts.repo_id,
        "BOUGH_WORKTREE_PATH": facts.worktree_path,
        "BOUGH_WORKTREE_NAME": facts.worktree_name,
        "BOUGH_BRANCH": facts.branch,
        "BOUGH_MAIN_PATH": facts.main_path,
        "BOUGH_GIT_COMMON_DIR": facts.git_common_dir,
        "BOUGH_COMMIT": facts.commit,
        "BOUGH_BASE_BRANCH": facts.base_branch,
        "BOUGH_COMMAND": facts.command,
    }
    if facts.removal_reason:
        variables["BOUGH_REMOVAL_REASON"] = facts.removal_reason
    if facts.event == POST_MOVE:
        variables["BOUGH_OLD_WORKTREE_PATH"] = facts.old_path
        variables["BOUGH_OLD_BRANCH"] = facts.old_branch
    return variables
