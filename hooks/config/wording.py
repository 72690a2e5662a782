"""What each key of `bough.yml` means, in a sentence for who writes one: editors show it.

Pure: texts, by the shape that has the key. A test compares them with the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping

_CONDITIONAL = {
    "skip": "Conditions; if any of them holds, it does not run.",
    "only": "Conditions; unless all of them hold, it does not run.",
    "env": "Variables. Templates like {branch} are replaced in their values.",
}
_FILES = {
    "glob": "Which files of the list it is about. Without a slash: by name, in any folder.",
    "exclude": "Which files of the list it is not about.",
    "files": "A command that prints files; {files} stands for them.",
    "file_types": "What kind of files it is about.",
}
_MODES = {
    "jobs": "The jobs, in order.",
    "parallel": "Whatever can run at once does; the default.",
    "sequential": "One job after the other; a failure does not stop the next.",
    "piped": "One job after the other; a failure stops the rest.",
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "FileShape": {
        "min_version": "The oldest bough that understands this file.",
        "extends": "Files, relative to the worktree's root, that this one overrides.",
        "rc": "A file that sh reads before every command and script.",
        "layout": "Where new worktrees go: a layout's name, or a template of a path.",
        "env": "Variables that are derived for each worktree, for its jobs and for `bough env`.",
        "hooks": "Jobs by the event that they run at.",
        "tasks": "Jobs that `bough run NAME` runs.",
        "coordinator": "How this repository's background jobs are run.",
    },
    "EnvShape": {
        "ports": "A block of ports that no other worktree of the repository has.",
        "values": "Variables; templates of the worktree and ports like {WEB_PORT} are replaced.",
    },
    "PortsShape": {
        "range": "Where the blocks lie. Default: 20000-32767.",
        "block_size": "How many ports a worktree has. Default: 16.",
        "salt": "What the place of a block depends on, with the branch. Default: the repository.",
        "names": "Variables: a list counts up from the block's first port, a map gives offsets.",
    },
    "CoordinatorShape": {
        "max_parallel": "How many background jobs run at once. Default: CPUs, at least 2.",
        "idle_exit": "How long the coordinator stays when there is nothing to do.",
    },
    "GroupShape": _MODES,
    "HookShape": {
        **_CONDITIONAL,
        **_FILES,
        **_MODES,
        "background": "Whether its jobs run in the background unless they say otherwise.",
        "fail_mode": "What a failure means for what fired the event: abort stops it, warn tells.",
        "exclude_tags": "Jobs with one of these tags do not run.",
    },
    "JobShape": {
        **_CONDITIONAL,
        **_FILES,
        "name": "How the job is called and addressed. Default: the event and a number.",
        "description": "What it is for, for people.",
        "run": "A command for /bin/sh -c, or one for each system.",
        "script": "A file of the repository to run in the place of a command.",
        "runner": "What the script is given to: sh, node, python3 -u. Default: it runs by itself.",
        "args": "The script's arguments; templates are replaced in them.",
        "group": "Jobs that are one step here; they inherit what this job says.",
        "stage_fixed": "In pre-commit: stage the files again after it has succeeded.",
        "root": "The folder that it runs in, below the worktree.",
        "needs": "Jobs of the same hook that must be done first.",
        "when": "Which outcome of its needs lets it run. Default: success.",
        "background": "Hand it to the coordinator; nobody waits for it.",
        "background_output": "silent: nobody is told when it fails in the background.",
        "tags": "Words to choose and skip jobs by.",
        "os": "The systems that it is for. Default: all.",
        "arch": "The architectures that it is for. Default: all.",
        "requires": "Programs that must be on PATH.",
        "requires_mode": "What a missing program means. Default: skip.",
        "timeout": "It is ended after so long; 0 for never. In the background the default is 1h.",
        "idle_timeout": "It is ended after so long without output.",
        "retries": "How often it is tried again after a failure.",
        "allow_failure": "A failure is recorded, and counts as success.",
        "priority": "Of several ready jobs, lower ones start first. Default: 0.",
        "locks": "Locks of the repository that the job holds while it runs, each to read or write.",
        "fail_text": "Shown when it has failed.",
        "log": "What is kept of its output, and for how long.",
    },
    "ConditionShape": {
        "ref": "A glob for the branch.",
        "env": "A variable that is set and not empty.",
        "desc": "The reason, in words for people.",
    },
    "RunShape": {
        "linux": "The command on Linux.",
        "macos": "The command on macOS.",
    },
    "RetriesShape": {
        "max": "How many further attempts there are at most.",
        "backoff": "The pause before the first one; it doubles each time. Default: 1s.",
    },
    "LogShape": {
        "retention": "How long the job is kept after its end. Default: 7d.",
        "max_size": "How much of its output is kept, 0 for all. Default: 10MiB.",
        "sample_every": "Keep only every n-th line.",
    },
}
