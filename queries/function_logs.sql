-- A function's log records in the order that they arrived, oldest first.
-- To page or follow, ask again with after_ingested set to the last ingested_at seen: none is left out or repeated.
-- param function: text, required
-- param from: timestamp, required; only what happened then or later
-- param after_ingested: timestamp = null; only what arrived after this
-- param limit: int = 1000; records, and the rest of those that arrived in the same moment
-- column time: timestamp, when it happened
-- column time_unix_nano: bigint, ns since 1970 UTC
-- column severity_number: int, OTLP's number, 0 to 24
-- column severity_text: text
-- column body: text
-- column attributes: map
-- column scope_name: text, stdout or stderr for what a guest printed
-- column invocation_id: text, null where none is known
-- column trace_id: text, hex, null where none is known
-- column version: text, null where none is known
-- column ingested_at: timestamp, when it arrived
WITH placed AS (
    SELECT
        time, time_unix_nano, severity_number, severity_text, body, attributes, scope_name, invocation_id, trace_id,
        version, ingested_at,
        rank() OVER (ORDER BY ingested_at) AS place
    FROM logs
    WHERE function = $function
      AND time >= $from
      AND ($after_ingested IS NULL OR ingested_at > $after_ingested)
)
SELECT
    time, time_unix_nano, severity_number, severity_text, body, attributes, scope_name, invocation_id, trace_id,
    version, ingested_at
FROM placed
WHERE place <= $limit
ORDER BY ingested_at, time_unix_nano, invocation_id
