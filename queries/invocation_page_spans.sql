-- The spans of one trace, in order of their start: what an invocation's page finds its own among.
-- param trace_id: text, required; 32 lower-case hex digits
-- param from: timestamp, required; only spans that began then or later
-- param to: timestamp, required; only spans that began before
-- param limit: int = 2000; spans at most
-- column span_id: text, hex
-- column parent_span_id: text, hex, null for a root
-- column function: text, null where none is known
-- column invocation_id: text, null where none is known
-- column name: text
-- column kind: int, OTLP's number
-- column start_time_unix_nano: bigint, ns since 1970 UTC
-- column end_time_unix_nano: bigint, ns since 1970 UTC
-- column status_code: int, 0 unset, 1 ok, 2 error
-- column status_message: text
-- column scope_name: text, the instrumentation's name
-- column attributes: map
SELECT
    span_id, parent_span_id, function, invocation_id, name, kind, start_time_unix_nano, end_time_unix_nano,
    status_code, status_message, scope_name, attributes
FROM spans
WHERE trace_id = $trace_id AND started_at >= $from AND started_at < $to
ORDER BY start_time_unix_nano, end_time_unix_nano DESC, span_id
LIMIT $limit
