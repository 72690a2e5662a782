"""The coordinator process: one per repository, spawned on demand, gone when idle."""
