-- The newest log records, newest first.
-- param function: text = null; of one function only
-- param limit: int = 100; rows at most
-- column time: timestamp, when it happened
-- column severity_number: int, OTLP's number, 0 to 24
-- column severity_text: text
-- column function: text, null where none is known
-- column body: text
-- column attributes: map
-- column invocation_id: text, null where none is known
-- column trace_id: text, hex, null where none is known
SELECT time, severity_number, severity_text, function, body, attributes, invocation_id, trace_id
FROM logs
WHERE $function IS NULL OR function = $function
ORDER BY time DESC, time_unix_nano DESC, invocation_id
LIMIT $limit
