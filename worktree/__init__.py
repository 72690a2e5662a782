"""What may be done with worktrees, firing the events around it; `cli` below is its face."""
