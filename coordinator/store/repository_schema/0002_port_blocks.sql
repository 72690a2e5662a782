-- The ports that worktrees have of their own.

CREATE TABLE port_blocks (
    owner TEXT PRIMARY KEY,                          -- the admin folder's name; '' is the main one
    first INTEGER NOT NULL CHECK (first >= 0),
    size  INTEGER NOT NULL CHECK (size >= 1)
) STRICT;
