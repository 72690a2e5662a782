"""Fire an event: from a hook to rows, from rows to running jobs, and what came of it.

The way of a job: the hook becomes a plan; what it really runs with goes into the hand-off; all its
rows are written, skipped ones included; the coordinator is woken for the background rows; the
foreground rows are run here to their ends. Rows and logs never see a secret: what is stored is
masked, what is executed is not.

If the repository's database cannot be used, foreground jobs still run and gates still decide, over
a database in memory and logs in a temporary folder, with one warning; background jobs then run in
the foreground.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bough.coordinator import clock, processes
from bough.coordinator.attachment import Attachment
from bough.coordinator.errors import CoordinatorError, StoreError
from bough.coordinator.handoff import Handoff, JobOrder
from bough.coordinator.model import Job, NewInvocation, NewJob, Owner, SkipClass, Status
from bough.coordinator.places import StatePlaces
from bough.coordinator.secrets import mask_text, secret_values
from bough.coordinator.store import policy
from bough.hooks import trust
from bough.hooks.circumstances import facts_of, in_own_hook, inherited, with_lists
from bough.hooks.config.model import Config, Hook
from bough.hooks.deriving import derive
from bough.hooks.environment import environment, refuse_depth
from bough.hooks.events import FailMode, is_gate
from bough.hooks.filelists import stage
from bough.hooks.happenings import Noted, Observer, Planned, Selected
from bough.hooks.ledger import Ledger, presentable
from bough.hooks.paths import shown_path
from bough.hooks.plan import Facts, Plan, plan, refusing
from bough.hooks.runner import BY, Runner, Surroundings
from bough.hooks.skipping import EVERYTHING, Choice

UNTRUSTED = "untrusted"

Consent = Callable[[Config, trust.Standing], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The worktree that an event is about, and where its jobs run (`cwd`, usually the same).

    `admin_id`: its folder's name in the repository, None for one that does not exist yet.
    """

    path: str
    cwd: str
    branch: str
    commit: str
    branch_slug: str = ""
    base_branch: str = ""
    admin_id: str | None = None
    merging: bool = False
    rebasing: bool = False

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One event about to be fired: which, where, by what configuration, with what arguments."""

    event: str
    site: Site
    config: Config
    hook: Hook
    args: tuple[str, ...] = ()
    old_path: str = ""
    old_branch: str = ""
    removal_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the person (or the shim) wants events fired in this command.

    `consent` is asked about an untrusted configuration, None where nobody can be asked; then
    `consent_hint` says what to type to consent and do the same again. `keep_git`:
    this is one of git's hooks, so the foreground jobs of its event keep git's repository variables.
    """

    command: str
    observe: Observer
    env: Mapping[str, str]
    selectors: tuple[str, ...] = ()
    choice: Choice = EVERYTHING
    override: Owner | None = None
    off: bool = False
    consent: Consent | None = None
    consent_hint: str = "bough trust"
    keep_git: bool = False
    fail_mode: Callable[[str], str | None] = field(default=lambda _event: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The repository that events are fired in."""

    repo_id: str
    name: str
    common_dir: str
    main_path: str
    places: StatePlaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What came of an event. `jobs`: rows as the command last saw them."""

    event: str
    invocation: str = ""
    jobs: tuple[Job, ...] = ()
    mode: FailMode = FailMode.WARN
    untrusted: bool = False
    interrupted: bool = False
    consent_hint: str = ""

    @property
    def failed(self) -> tuple[Job, ...]:
        """The foreground jobs that count as failures."""
        return tuple(
            job
            for job in self.jobs
            if job.owner is Owner.FOREGROUND
            and (job.status.failure or job.status is Status.CRASHED)
            and not (job.status is Status.FAILED and job.spec.allow_failure)
        )

    @property
    def aborts(self) -> bool:
        """Whether the operation around the event must stop."""
        if self.interrupted:
            return True
        if self.untrusted:
            return is_gate(self.event)
        return bool(self.failed) and self.mode is FailMode.ABORT


def fire(ground: Ground, terms: Terms, occasion: Occasion) -> Fired:
    """Run the occasion's hook; returns when its foreground jobs have ended."""
    if terms.off:
        return Fired(event=occasion.event)
    refuse_depth(terms.env)
    with Ledger(ground.places, terms.observe) as ledger:
        override = Owner.FOREGROUND if ledger.scratch else terms.override
        invocation = os.urandom(8).hex()
        facts = facts_of(ground, terms, occasion, invocation)
        made = _planned(terms, occasion, facts, override)
        terms.observe(Selected(unmatched=frozenset(made.unmatched)))
        for warning in made.warnings:
            terms.observe(Noted(text=warning))
        # Asked only if something would run: a gate that is skipped needs nobody's consent.
        wanted = any(job.skip is None for job in made.jobs)
        trusted = not wanted or consented(ground, terms, occasion.config)
        if not trusted:
            made = replace(made, jobs=tuple(map(_untrusted, made.jobs)))
            if not is_gate(occasion.event):
                _tell_untrusted(terms, occasion)
        elif wanted:
            if not ledger.scratch:
                _state_policy(ledger, occasion)
            facts = with_lists(terms, occasion, facts)
            made = _planned(terms, occasion, facts, override)
            variables = _derived(ledger, ground, occasion)
            made = replace(made, jobs=tuple(_with(job, variables) for job in made.jobs))
        jobs, interrupted = _carry_out(ledger, terms, occasion, made, invocation)
    return Fired(
        event=occasion.event,
        invocation=invocation,
        jobs=jobs,
        mode=_fail_mode(terms, occasion, made),
        untrusted=not trusted,
        interrupted=interrupted,
        consent_hint=terms.consent_hint,
    )


def _planned(terms: Terms, occasion: Occasion, facts: Facts, override: Owner | None) -> Plan:
    hook, event = occasion.hook, occasion.event
    made = plan(hook, event, facts, terms.selectors, override, terms.choice)
    return replace(made, jobs=tuple(_confined(job, occasion.site.cwd) for job in made.jobs))


def consented(ground: Ground, terms: Terms, config: Config) -> bool:
    """Whether the configuration is trusted, or the person, asked now, consents to it."""
    standing = trust.standing(config, ground.repo_id, ground.common_dir)
    if standing.trusted:
        return True
    return terms.consent is not None and terms.consent(config, standing)


def variables_of(
    connection: sqlite3.Connection, ground: Ground, site: Site, config: Config
) -> dict[str, str]:
    """What the configuration, which must be trusted, derives for a worktree; nothing for one that
    does not exist yet. Raises NoPortsLeft."""
    if site.admin_id is None:
        return {}
    facts = {
        "branch": site.branch,
        "branch_slug": site.branch_slug,
        "worktree_path": site.path,
        "worktree_name": site.name,
        "main_path": ground.main_path,
        "repo": ground.name,
        "base_branch": site.base_branch,
    }
    return derive(
        connection, config.env, owner=site.admin_id, common_dir=ground.common_dir, facts=facts
    )


def _derived(ledger: Ledger, ground: Ground, occasion: Occasion) -> dict[str, str]:
    try:
        return variables_of(ledger.connection, ground, occasion.site, occasion.config)
    except StoreError as error:
        ledger.give_up(error)
        return variables_of(ledger.connection, ground, occasion.site, occasion.config)


def _with(job: NewJob, variables: Mapping[str, str]) -> NewJob:
    """The job with what is derived for its worktree; what the job and its hook say goes before."""
    env = {**variables, **dict(job.spec.env)}
    return replace(job, spec=replace(job.spec, env=tuple(env.items())))


def _confined(job: NewJob, top: str) -> NewJob:
    """The job, or one that only says why, if links lead its folder out of the worktree."""
    real, real_top = os.path.realpath(job.spec.cwd), os.path.realpath(top)
    if os.path.commonpath([real, real_top]) == real_top:
        return job
    message = f"root leads out of the worktree, to {shown_path(real)}"
    return replace(job, spec=replace(job.spec, argv=refusing(message), cwd=top))


def _untrusted(job: NewJob) -> NewJob:
    if job.skip is not None:
        return job
    return replace(job, skip=SkipClass.TRUST, reason=UNTRUSTED)


def _tell_untrusted(terms: Terms, occasion: Occasion) -> None:
    source = occasion.config.main_file
    terms.observe(
        Noted(
            text=f"{source} is not trusted here, so nothing of it ran for {occasion.event}",
            hint=f"Look at it, then: bough trust {shlex.quote(occasion.site.path)} && "
            f"bough -C {shlex.quote(occasion.site.path)} hooks run {shlex.quote(occasion.event)}",
        )
    )


def _fail_mode(terms: Terms, occasion: Occasion, made: Plan) -> FailMode:
    configured = terms.fail_mode(occasion.event)
    if configured is None:
        return made.fail_mode
    try:
        return FailMode(configured)
    except ValueError:
        key = f"bough.hooks.{occasion.event}.failMode"
        terms.observe(
            Noted(
                text=f"git config {key} is {configured!r}; only abort and warn exist",
                hint=f"git config {key} {made.fail_mode}",
            )
        )
        return made.fail_mode


def _state_policy(ledger: Ledger, occasion: Occasion) -> None:
    settings = occasion.config.coordinator
    stated = {
        policy.MAX_PARALLEL: settings.max_parallel,
        policy.IDLE_EXIT_MS: settings.idle_exit_ms,
    }
    try:
        policy.state(
            ledger.connection,
            {knob: value for knob, value in stated.items() if value is not None},
            source=occasion.config.main_file,
            commit=occasion.site.commit,
        )
    except StoreError as error:
        ledger.give_up(error)


def _carry_out(
    ledger: Ledger, terms: Terms, occasion: Occasion, made: Plan, invocation: str
) -> tuple[tuple[Job, ...], bool]:
    """Write the rows, wake the coordinator, run the foreground."""
    if not made.jobs:
        return (), False
    orders = {
        job.spec.name: JobOrder(argv=job.spec.argv, env=job.spec.env, files=job.spec.files)
        for job in made.jobs
    }
    umask = os.umask(0o077)
    os.umask(umask)
    clean = environment(terms.env, keep_git=False)
    planned = ledger.record(
        _invocation(terms, occasion, invocation),
        [presentable(job, terms.env) for job in made.jobs],
        Handoff(env=clean, umask=umask, jobs=orders),
        BY,
    )
    terms.observe(Planned(event=occasion.event, jobs=planned))
    background = any(job.owner is Owner.BACKGROUND and not job.status.terminal for job in planned)
    attachment = Attachment(ledger.places, invocation) if background else None
    if attachment is not None:
        try:
            attachment.wake()
        except CoordinatorError as error:
            terms.observe(Noted(text=error.message, hint=error.hint))
    surroundings = Surroundings(
        env=inherited(terms, occasion),
        umask=umask,
        orders=orders,
        succeeded=lambda job: _staged(terms, occasion, made.stage.get(job, ())),
    )
    runner = Runner(
        ledger.places, ledger.connection, planned, surroundings, attachment, terms.observe
    )
    try:
        ended = runner.run()
        ledger.ended(ended)
        return ended, runner.interrupts > 0
    finally:
        if attachment is not None:
            attachment.close()


def _staged(terms: Terms, occasion: Occasion, paths: Sequence[str]) -> str:
    own_index = in_own_hook(terms, occasion)
    return stage(paths, occasion.site.cwd, own_index=own_index) if paths else ""


def _invocation(terms: Terms, occasion: Occasion, invocation: str) -> NewInvocation:
    site = occasion.site
    return NewInvocation(
        id=invocation,
        event=occasion.event,
        command=mask_text(terms.command, secret_values(terms.env)),
        worktree_name=site.name,
        worktree_path=site.path,
        branch=site.branch,
        commit=site.commit,
        created_at=clock.now_ms(),
        owner=processes.own_identity(),
        parent=terms.env.get("BOUGH_INVOCATION", ""),
    )
