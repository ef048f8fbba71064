-- The log records around a moment of an environment, an invocation, or a function: the context of a line, oldest first.
-- param from: timestamp, required; not earlier
-- param to: timestamp, required; not later
-- param at_ns: int, required; the moment, ns since 1970 UTC
-- param tenant: text, required
-- param environment_id: text = null; of one execution environment
-- param invocation_id: text = null; of one invocation
-- param function: text = null; of one function
-- param source: text = null; from one source
-- param before: int = 20; records before the moment at most
-- param after: int = 20; records at the moment and after it at most
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
FROM (
    (SELECT
        time, time_unix_nano, severity_number, severity_text, tenant, function, version, source, invocation_id,
        environment_id, trace_id, span_id, scope_name, event_name, body, attributes, resource_attributes, ingested_at
    FROM logs
    WHERE tenant = $tenant AND time >= $from AND time < $to AND time_unix_nano < $at_ns
      AND ($environment_id IS NULL OR environment_id = $environment_id)
      AND ($invocation_id IS NULL OR invocation_id = $invocation_id)
      AND ($function IS NULL OR function = $function)
      AND ($source IS NULL OR source = $source)
    ORDER BY time_unix_nano DESC, ingested_at DESC, body DESC
    LIMIT $before)
    UNION ALL
    (SELECT
        time, time_unix_nano, severity_number, severity_text, tenant, function, version, source, invocation_id,
        environment_id, trace_id, span_id, scope_name, event_name, body, attributes, resource_attributes, ingested_at
    FROM logs
    WHERE tenant = $tenant AND time >= $from AND time < $to AND time_unix_nano >= $at_ns
      AND ($environment_id IS NULL OR environment_id = $environment_id)
      AND ($invocation_id IS NULL OR invocation_id = $invocation_id)
      AND ($function IS NULL OR function = $function)
      AND ($source IS NULL OR source = $source)
    ORDER BY time_unix_nano ASC, ingested_at ASC, body ASC
    LIMIT $after)
) AS around
ORDER BY time_unix_nano, ingested_at, body
