-- Functions and their versions. Times are microseconds since the Unix epoch, UTC.

CREATE TABLE functions (
    name           TEXT PRIMARY KEY NOT NULL,
    latest_version INTEGER NOT NULL,
    active_version INTEGER,          -- what calls run; null until a version was active
    removed_at     INTEGER           -- null while the function exists; numbering goes on when it is deployed again
) STRICT;

CREATE TABLE versions (
    function             TEXT NOT NULL REFERENCES functions (name),
    version              INTEGER NOT NULL,
    tenant               TEXT NOT NULL,
    memory_mb            INTEGER NOT NULL,
    timeout_ms           INTEGER NOT NULL,
    env                  TEXT NOT NULL,      -- JSON object of texts
    tags                 TEXT NOT NULL,      -- JSON object of texts
    architecture         TEXT NOT NULL,
    ephemeral_storage_mb INTEGER NOT NULL,
    reserved_concurrency INTEGER,
    price_book           TEXT NOT NULL,
    sha256               TEXT NOT NULL,
    state                TEXT NOT NULL CHECK (state IN ('pending', 'active', 'failed')),
    reason               TEXT,
    deployed_at          INTEGER NOT NULL,
    PRIMARY KEY (function, version)
) STRICT;
