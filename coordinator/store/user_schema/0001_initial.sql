-- What belongs to the user rather than to one repository: consent, and where repositories are.

CREATE TABLE grants (
    id          INTEGER PRIMARY KEY,
    repository  TEXT NOT NULL,                       -- repository id
    path        TEXT NOT NULL,                       -- its common directory when consent was given
    part        TEXT NOT NULL CHECK (part IN ('tracked', 'local', 'always')),
    fingerprint TEXT NOT NULL,                       -- '' with part 'always'
    granted_at  INTEGER NOT NULL,
    content     TEXT NOT NULL DEFAULT '',            -- what was shown: the next prompt's diff base
    UNIQUE (repository, part, fingerprint)
) STRICT;

CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    action      TEXT NOT NULL CHECK (action IN ('grant', 'revoke')),
    repository  TEXT NOT NULL,
    path        TEXT NOT NULL,
    part        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    how         TEXT NOT NULL                        -- prompt, command, flag
) STRICT;
