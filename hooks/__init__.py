"""From `bough.yml` and an event to a plan, and from a plan to rows and running jobs."""
