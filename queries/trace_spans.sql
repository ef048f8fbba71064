-- The spans of one trace, in order of their start.
-- param trace_id: text, required; 32 lower-case hex digits
-- param from: timestamp = null; only spans that began then or later, which spares looking at older files
-- param to: timestamp = null; only spans that began before
-- column span_id: text, hex
-- column parent_span_id: text, hex, null for a root
-- column tenant: text
-- column function: text, null where none is known
-- column invocation_id: text, null where none is known
-- column name: text
-- column kind: int, OTLP's number
-- column started_at: timestamp
-- column start_time_unix_nano: bigint, ns since 1970 UTC
-- column end_time_unix_nano: bigint, ns since 1970 UTC
-- column duration_ns: bigint, ns
-- column status_code: int, 0 unset, 1 ok, 2 error
-- column status_message: text
-- column attributes: map
-- column resource_attributes: map
-- column events: list
SELECT
    span_id, parent_span_id, tenant, function, invocation_id, name, kind, started_at,
    start_time_unix_nano, end_time_unix_nano, end_time_unix_nano - start_time_unix_nano AS duration_ns,
    status_code, status_message, attributes, resource_attributes, events
FROM spans
WHERE trace_id = $trace_id
  AND ($from IS NULL OR started_at >= $from)
  AND ($to IS NULL OR started_at < $to)
ORDER BY start_time_unix_nano, end_time_unix_nano DESC, span_id
