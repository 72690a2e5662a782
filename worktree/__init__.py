"""What may be done with worktrees, firing the events around it; `bough.worktree.cli` is its face."""
