-- A function's spans that began between two times, newest first.
-- param function: text, required
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param limit: int = 1000; rows at most
-- column trace_id: text, hex
-- column span_id: text, hex
-- column parent_span_id: text, hex, null for a root
-- column invocation_id: text, null where none is known
-- column name: text
-- column kind: int, OTLP's number
-- column started_at: timestamp
-- column duration_ns: bigint, ns
-- column status_code: int, 0 unset, 1 ok, 2 error
-- column status_message: text
-- column attributes: map
SELECT
    trace_id, span_id, parent_span_id, invocation_id, name, kind, started_at,
    end_time_unix_nano - start_time_unix_nano AS duration_ns,
    status_code, status_message, attributes
FROM spans
WHERE function = $function AND started_at >= $from AND started_at < $to
ORDER BY started_at DESC, trace_id, span_id
LIMIT $limit
