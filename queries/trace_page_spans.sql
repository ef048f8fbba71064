-- The spans of one trace in order of their start: what its tree is made of.
-- param trace_id: text, required; 32 lower-case hex digits
-- param limit: int = 20000; spans at most
-- column span_id: text, hex
-- column parent_span_id: text, hex, null for a root
-- column tenant: text
-- column function: text, null where none is known
-- column service: text, service.name of what made it; null where it is not said
-- column invocation_id: text, null where none is known
-- column name: text
-- column kind: int, OTLP's number
-- column start_time_unix_nano: bigint, ns since 1970 UTC
-- column end_time_unix_nano: bigint, ns since 1970 UTC
-- column status_code: int, 0 unset, 1 ok, 2 error
-- column status_message: text
-- column events: int, how many
-- column links: int, how many
SELECT
    span_id, parent_span_id, tenant, function, resource_attributes['service.name'] AS service, invocation_id, name, kind,
    start_time_unix_nano, end_time_unix_nano, status_code, status_message,
    CAST(coalesce(array_length(events), 0) AS INT) AS events, CAST(coalesce(array_length(links), 0) AS INT) AS links
FROM spans
WHERE trace_id = $trace_id
ORDER BY start_time_unix_nano, end_time_unix_nano DESC, span_id
LIMIT $limit
