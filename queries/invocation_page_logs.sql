-- The log records of one invocation in the order that they happened.
-- param invocation_id: text, required
-- param from: timestamp, required; only what happened then or later
-- param to: timestamp, required; only what happened before
-- param limit: int = 1000; records at most
-- column time: timestamp, when it happened
-- column time_unix_nano: bigint, ns since 1970 UTC
-- column severity_number: int, OTLP's number, 0 to 24
-- column severity_text: text
-- column body: text
-- column attributes: map
-- column scope_name: text, stdout or stderr for what a guest printed
-- column span_id: text, hex, null where none is known
SELECT time, time_unix_nano, severity_number, severity_text, body, attributes, scope_name, span_id
FROM logs
WHERE invocation_id = $invocation_id AND time >= $from AND time < $to
ORDER BY time_unix_nano, ingested_at, body
LIMIT $limit
