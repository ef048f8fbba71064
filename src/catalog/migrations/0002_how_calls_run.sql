-- Settings of how a version's calls run.

ALTER TABLE versions ADD COLUMN provisioned_concurrency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN rate_per_s              INTEGER;                        -- null: no limit of its own
ALTER TABLE versions ADD COLUMN single_use              INTEGER NOT NULL DEFAULT FALSE; -- environments serve one call
ALTER TABLE versions ADD COLUMN fuel                    INTEGER NOT NULL DEFAULT FALSE; -- instructions are counted
ALTER TABLE versions ADD COLUMN allowed_hosts           TEXT    NOT NULL DEFAULT '[]';  -- JSON list of texts
