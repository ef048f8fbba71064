-- The log records of one trace in the order that they happened.
-- param trace_id: text, required; 32 lower-case hex digits
-- param limit: int = 1000; records at most
-- column time: timestamp, when it happened
-- column time_unix_nano: bigint, ns since 1970 UTC
-- column severity_number: int, OTLP's number, 0 to 24
-- column severity_text: text
-- column tenant: text
-- column function: text, null where none is known
-- column version: text, null where none is known
-- column source: text, executor, aws-lambda, otlp, ...
-- column invocation_id: text, null where none is known
-- column environment_id: text, null where none is known
-- column trace_id: text, hex, null where none is known
-- column span_id: text, hex, null where none is known
-- column scope_name: text, stdout or stderr for what a guest printed
-- column event_name: text, OTLP's; empty for a plain record
-- column body: text
-- column attributes: map
-- column resource_attributes: map
-- column ingested_at: timestamp, when it arrived
SELECT
    time, time_unix_nano, severity_number, severity_text, tenant, function, version, source, invocation_id,
    environment_id, trace_id, span_id, scope_name, event_name, body, attributes, resource_attributes, ingested_at
FROM logs
WHERE trace_id = $trace_id
ORDER BY time_unix_nano, ingested_at, body
LIMIT $limit
