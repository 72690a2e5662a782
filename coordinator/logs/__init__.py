"""A job's log: JSON lines, one writer for foreground jobs and supervisors, and their readers."""
