-- Every version can be called, and gone back to.

ALTER TABLE versions  ADD COLUMN removed_at   INTEGER; -- null while its function exists; it does not come back with a new deployment
ALTER TABLE functions ADD COLUMN held_version INTEGER; -- versions up to this one do not become active by themselves: an older one was chosen

UPDATE versions SET removed_at = (SELECT removed_at FROM functions WHERE functions.name = versions.function);
