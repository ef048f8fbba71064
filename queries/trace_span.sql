-- One span of a trace with all that is known of it.
-- param trace_id: text, required; 32 lower-case hex digits
-- param span_id: text, required; 16 lower-case hex digits
-- column tenant: text
-- column function: text, null where none is known
-- column source: text, executor, aws-lambda, otlp, ...
-- column invocation_id: text, null where none is known
-- column span_id: text, hex
-- column parent_span_id: text, hex, null for a root
-- column name: text
-- column kind: int, OTLP's number
-- column started_at: timestamp
-- column start_time_unix_nano: bigint, ns since 1970 UTC
-- column end_time_unix_nano: bigint, ns since 1970 UTC
-- column status_code: int, 0 unset, 1 ok, 2 error
-- column status_message: text
-- column trace_state: text, W3C tracestate
-- column scope_name: text, the instrumentation's name
-- column scope_version: text
-- column attributes: map
-- column resource_attributes: map
-- column events: list
-- column links: list
-- column dropped_attributes_count: bigint
-- column dropped_events_count: bigint
-- column dropped_links_count: bigint
SELECT
    tenant, function, source, invocation_id, span_id, parent_span_id, name, kind, started_at, start_time_unix_nano,
    end_time_unix_nano, status_code, status_message, trace_state, scope_name, scope_version, attributes,
    resource_attributes, events, links, dropped_attributes_count, dropped_events_count, dropped_links_count
FROM spans
WHERE trace_id = $trace_id AND span_id = $span_id
ORDER BY start_time_unix_nano, tenant
LIMIT 10
