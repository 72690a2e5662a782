-- The repository's database, first version. Times: integer milliseconds since the epoch.
-- Enumerations are checked here too, so that no other writer can store what no reader understands.

CREATE TABLE invocations (
    key           INTEGER PRIMARY KEY,               -- the order of firing
    id            TEXT NOT NULL UNIQUE,              -- 16 random hex digits
    event         TEXT NOT NULL,
    command       TEXT NOT NULL,                     -- what the person typed, masked
    worktree_name TEXT NOT NULL,
    worktree_path TEXT NOT NULL,
    branch        TEXT NOT NULL,
    commit_id     TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    owner_pid     INTEGER NOT NULL,                  -- the command that fired it
    owner_ticks   INTEGER NOT NULL,
    owner_boot    TEXT NOT NULL,
    handoff_path  TEXT NOT NULL DEFAULT '',
    parent        TEXT NOT NULL DEFAULT ''           -- the invocation whose job fired this one
) STRICT;
CREATE INDEX invocations_by_worktree ON invocations (worktree_path, key);
CREATE INDEX invocations_by_event ON invocations (event, key);

CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY,
    invocation_key INTEGER NOT NULL REFERENCES invocations (key) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    attempt        INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    retry_of       INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    ordinal        INTEGER NOT NULL,
    owner          TEXT NOT NULL CHECK (owner IN ('foreground', 'background')),
    status         TEXT NOT NULL CHECK (status IN (
        'queued', 'starting', 'running', 'cancelling', 'succeeded', 'failed', 'timed_out',
        'cancelled', 'skipped', 'crashed')),
    reason         TEXT NOT NULL DEFAULT '',
    skip_class     TEXT CHECK (skip_class IN ('condition', 'dependency', 'trust', 'user')),
    version        INTEGER NOT NULL DEFAULT 0,
    spec_json      TEXT NOT NULL,
    pid            INTEGER,
    start_ticks    INTEGER,
    boot_id        TEXT,
    pgid           INTEGER,
    exit_code      INTEGER,
    signal         INTEGER,
    queued_at      INTEGER NOT NULL,
    not_before     INTEGER,                          -- a retry waits out its backoff
    started_at     INTEGER,
    finished_at    INTEGER,
    log_path       TEXT NOT NULL DEFAULT '',         -- relative to the repository's state folder
    log_bytes      INTEGER,
    log_lines      INTEGER,
    retention_s    INTEGER NOT NULL,
    priority       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (invocation_key, name, attempt)
) STRICT;
CREATE INDEX jobs_active ON jobs (status, owner)
    WHERE status IN ('queued', 'starting', 'running', 'cancelling');
CREATE INDEX jobs_by_name ON jobs (name, id);

CREATE TABLE job_tags (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    tag    TEXT NOT NULL,
    PRIMARY KEY (job_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_tags_by_tag ON job_tags (tag, job_id);

CREATE TABLE job_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,   -- never reused: --since-id stays meaningful
    job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    at          INTEGER NOT NULL,
    reason      TEXT NOT NULL DEFAULT '',
    by          TEXT NOT NULL
) STRICT;
CREATE INDEX job_events_by_job ON job_events (job_id, id);

-- Claims to locks. Held exactly while the job's row is starting, running or cancelling: taken in the
-- transaction that starts it, given back in the one that ends it.
CREATE TABLE locks (
    turn   INTEGER PRIMARY KEY AUTOINCREMENT,        -- the order of those who wait
    name   TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    mode   TEXT NOT NULL CHECK (mode IN ('read', 'write')),
    held   INTEGER NOT NULL CHECK (held IN (0, 1)),
    since  INTEGER NOT NULL,
    UNIQUE (job_id, name)
) STRICT;

CREATE TABLE worktrees (
    admin_id    TEXT PRIMARY KEY,                    -- the admin folder's name; '' is the main one
    marker      TEXT NOT NULL,                       -- contents of the marker file: detects id reuse
    path        TEXT NOT NULL,
    branch      TEXT,
    base_branch TEXT,
    created_at  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL
) STRICT;

CREATE TABLE expected_changes (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('create', 'remove', 'move')),
    path       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    owner_pid  INTEGER NOT NULL,
    owner_ticks INTEGER NOT NULL,
    owner_boot TEXT NOT NULL
) STRICT;
CREATE INDEX expected_changes_by_path ON expected_changes (path);

-- The settings that the engine obeys; a firing writes those that its trusted configuration states.
CREATE TABLE repo_policy (
    knob      TEXT PRIMARY KEY,
    value     INTEGER NOT NULL,
    source    TEXT NOT NULL,                         -- the file that said so
    commit_id TEXT NOT NULL,
    set_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the failures of background jobs have been told: an id of job_events.
CREATE TABLE notices (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    told_to  INTEGER NOT NULL
) STRICT;

-- The ports that worktrees have of their own.

CREATE TABLE port_blocks (
    owner TEXT PRIMARY KEY,                          -- the admin folder's name; '' is the main one
    first INTEGER NOT NULL CHECK (first >= 0),
    size  INTEGER NOT NULL CHECK (size >= 1)
) STRICT;
