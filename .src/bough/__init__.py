"""bough: a git worktree manager and git hook plugin.

This file stays empty of imports: every light entry point (completion, git hooks, the job
supervisor) passes through it, and what it imported they would pay for.
"""

__version__ = "0.1.0"
