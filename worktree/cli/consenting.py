"""Asking a person for consent: what is shown of a configuration, the question, the record.

Invariant: whatever is consented to has been shown, of every part that was not trusted yet.
"""

from __future__ import annotations

import sys

from bough.hooks import trust
from bough.hooks.config.model import Config
from bough.hooks.config.sources import Source
from bough.hooks.errors import shown
from bough.hooks.events import TASK_PREFIX
from bough.hooks.identity import repo_id
from bough.hooks.repository import Repository
from bough.hooks.trust import Part, Standing
from bough.worktree.cli.terminal import harmless, say, style_for


def record(repo: Repository, config: Config, how: str) -> bool:
    """Trust this configuration in this repository from now on."""
    trust.grant(config, repo_id(repo).value, repo.common_dir, how=how)
    return True


def ask_to_run(repo: Repository, config: Config, standing: Standing) -> bool:
    """Show what is about to run and ask; a yes is recorded."""
    show(config, standing)
    return agreed("Trust this and run it?") and record(repo, config, "prompt")


def agreed(question: str) -> bool:
    """Ask on the terminal; only a yes is one."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        say("")  # the input's end leaves the cursor behind the question
    return answer.strip().lower() in {"y", "yes"}


def show(config: Config, standing: Standing) -> None:
    """Show what is not trusted yet: the difference to what was trusted last, else all it runs."""
    style = style_for(sys.stderr)
    if Part.TRACKED in standing.untrusted and not standing.previous:
        names = ", ".join(shown(source.path) for source in config.sources)
        say(f"{style.bold}{names}{style.reset}, not trusted so far:")
        _show_commands(config)
        for source in config.sources:
            if source.executed:
                say(f"  {style.bold}{shown(source.path)}{style.reset}, which they run:")
                _show_content(source)
        return
    if Part.TRACKED in standing.untrusted:
        names = ", ".join(shown(source.path) for source in config.sources if not source.local)
        say(f"{style.bold}{names}{style.reset}, changed since it was trusted:")
        for line in trust.difference(standing.previous, trust.content(config, Part.TRACKED)):
            colour = {"+": style.green, "-": style.red}.get(line[:1], "")
            say(f"{colour}{harmless(line)}{style.reset}")
    if Part.LOCAL in standing.untrusted:
        for source in config.sources:
            if source.local:
                say(f"{style.bold}{shown(source.path)}{style.reset}, not trusted so far:")
                _show_content(source)


def _show_content(source: Source) -> None:
    for line in source.data.decode("utf-8", "replace").splitlines():
        say(f"      {harmless(line)}")


def _show_commands(config: Config) -> None:
    style = style_for(sys.stderr)
    environments = _environments(config)
    for variable, value in config.env.values:
        say(f"  {style.dim}{harmless(variable)}={harmless(value)}{style.reset}")
    # A command for every system is one.
    for event, name, command in dict.fromkeys(trust.commands(config)):
        say(f"  {style.bold}{shown(event)}{style.reset} {shown(name)}:")
        for variable, value in environments[event, name]:
            say(f"      {style.dim}{harmless(variable)}={harmless(value)}{style.reset}")
        for line in command.splitlines():
            say(f"      {harmless(line)}")


def _environments(config: Config) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """The variables of each job, by event and job: they can decide what a command does."""
    tasks = {f"{TASK_PREFIX}{name}": task for name, task in config.tasks.items()}
    return {
        (event, job.name): (*hook.env, *job.env)
        for event, hook in {**config.hooks, **tasks}.items()
        for job in hook.jobs
    }
