"""What can be typed, as completion knows it: verbs, their options, and what stands for arguments.

Light: plain values. It says the same as the Typer application, which completion cannot afford to
import; a test compares the two. A source is the name of what completes a value: the functions in
`candidates` and the lists in `CHOICES` bear these names; "" marks an option without a value, and
`TEXT` one for which nothing can be suggested.
"""

from __future__ import annotations

FLAG = ""
TEXT = "text"

_EVENTS = (
    *("post-clone", "worktree-pre-create", "worktree-post-create", "worktree-pre-remove"),
    *("worktree-post-remove", "worktree-post-move", "worktree-post-switch", "applypatch-msg"),
    *("commit-msg", "p4-changelist", "p4-post-changelist", "p4-pre-submit"),
    *("p4-prepare-changelist", "post-applypatch", "post-checkout", "post-commit"),
    *("post-index-change", "git-post-merge", "post-rewrite", "pre-applypatch", "pre-auto-gc"),
    *("pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg"),
    *("reference-transaction", "sendemail-validate"),
)

CHOICES = {
    "dumps": ("yaml", "json"),
    "events": _EVENTS,
    "formats": ("table", "json", "ndjson", "csv", "tsv", "yaml", "markdown"),
    "graphs": ("tree", "mermaid", "dot"),
    "layouts": ("sibling", "contained", "contained-flat", "nested", "centralized"),
    "modes": ("auto", "foreground", "background", "off"),
    "selectors": ("all", *_EVENTS),
    "shells": ("bash", "zsh", "fish"),
    "statuses": (
        *("queued", "starting", "running", "cancelling", "succeeded", "failed", "timed_out"),
        *("cancelled", "skipped", "crashed"),
    ),
    "trust": ("list",),
}


class Verb:
    """One verb: its options with the sources of their values, the sources of its arguments by
    position, and the verbs below it. With `repeats` the last argument may come again and again;
    a `hidden` verb is not suggested."""

    __slots__ = ("arguments", "hidden", "options", "repeats", "verbs")

    def __init__(
        self,
        options: dict[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        verbs: dict[str, Verb] | None = None,
        *,
        repeats: bool = False,
        hidden: bool = False,
    ) -> None:
        self.options = options or {}
        self.arguments = arguments
        self.verbs = verbs or {}
        self.repeats = repeats
        self.hidden = hidden


_FORMAT = {"--format": "formats"}
_FIRING = {
    "--skip-hooks": "selectors",
    "--hooks": "modes",
    "--trust": FLAG,
    "--dry-run": FLAG,
}
_ARRIVING = {"--layout": "layouts", "-x": TEXT, "--exec": TEXT, **_FIRING}
_FILTERS = {"--hook": "events", "--worktree": "worktrees", "--tag": TEXT, "--inv": "invocations"}
_LISTING = {
    "--all": FLAG,
    **_FILTERS,
    "--status": "statuses",
    "--failed": FLAG,
    "--last": FLAG,
    "--limit": TEXT,
    "--before": TEXT,
    **_FORMAT,
}
_REMOVING = {
    "-f": FLAG,
    "--force": FLAG,
    "-D": FLAG,
    "--force-branch": FLAG,
    "--keep-branch": FLAG,
    "--from-inside": FLAG,
    **_FIRING,
    **_FORMAT,
}
_JOBS = {
    "list": Verb(_LISTING),
    "show": Verb(_FORMAT, ("jobs",)),
    "logs": Verb(
        {
            "--stdout": FLAG,
            "--stderr": FLAG,
            "--status": FLAG,
            "--seq": FLAG,
            "--since-seq": TEXT,
            "--tail": TEXT,
            "-f": FLAG,
            "--follow": FLAG,
            **_FORMAT,
        },
        ("jobs",),
    ),
    "cancel": Verb(
        {"--all": FLAG, **_FILTERS, "--older-than": TEXT, "--dry-run": FLAG}, ("active_jobs",)
    ),
    "locks": Verb(_FORMAT),
}
_HOOKS = {
    "install": Verb({"--force": FLAG}),
    "uninstall": Verb(),
    "status": Verb(_FORMAT),
    "run": Verb(
        {
            "--skip-hooks": "selectors",
            "--hooks": "modes",
            "--job": TEXT,
            "--tag": TEXT,
            "--dry-run": FLAG,
            **_FORMAT,
        },
        ("events", TEXT),
        repeats=True,
    ),
    "validate": Verb(),
    "schema": Verb(),
    "dump": Verb({"--format": "dumps"}),
    "graph": Verb({"--format": "graphs"}, ("events",)),
}

BOUGH = Verb(
    options={
        "-C": "folders",
        "-q": FLAG,
        "--quiet": FLAG,
        "-v": FLAG,
        "--verbose": FLAG,
        "--version": FLAG,
    },
    verbs={
        "start": Verb(_ARRIVING, (TEXT, "bases")),
        "go": Verb(_ARRIVING, ("branches",)),
        "list": Verb(_FORMAT),
        "ls": Verb(_FORMAT, hidden=True),
        "remove": Verb(_REMOVING, ("removable",), repeats=True),
        "rm": Verb(_REMOVING, ("removable",), repeats=True, hidden=True),
        "run": Verb({"--skip-hooks": "selectors", **_FORMAT}, (TEXT, TEXT), repeats=True),
        "env": Verb({"--write": TEXT, **_FORMAT}, (TEXT,)),
        "jobs": Verb(_LISTING, verbs=_JOBS),
        "hooks": Verb(verbs=_HOOKS),
        "trust": Verb({"--yes": FLAG, "-y": FLAG, "--always": FLAG, **_FORMAT}, ("trust",)),
        "untrust": Verb(),
        "completions": Verb(arguments=("shells",)),
        "demo": Verb({"--dir": "folders"}),
    },
)
"""The command itself; `-h` and `--help` belong to every verb and are added by `candidates`."""
