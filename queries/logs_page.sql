-- Log records between two times by many filters, newest first: a page of the list.
-- For the next page give the last row's time_unix_nano as before_ns, and add to the limit how many rows of that very
-- nanosecond have been seen: they come first again.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param source: text = null; from one source only
-- param environment_id: text = null; of one execution environment only
-- param invocation_id: text = null; of one invocation only
-- param trace_id: text = null; of one trace only
-- param span_id: text = null; of one span only
-- param levels: text = null; of these severities only, commas between them: 0 not said, 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal
-- param text: text = null; whose body holds this text, in capitals or not
-- param regex: text = null; whose body matches this regular expression
-- param attribute_key: text = null; with one attribute only, its own or of what made it
-- param attribute_value: text = null; the attribute's value
-- param before_ns: int = null; that happened at this nanosecond or before
-- param limit: int = 100; rows at most
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
WHERE time >= $from AND time < $to
  AND ($tenant IS NULL OR tenant = $tenant)
  AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version)
  AND ($source IS NULL OR source = $source)
  AND ($environment_id IS NULL OR environment_id = $environment_id)
  AND ($invocation_id IS NULL OR invocation_id = $invocation_id)
  AND ($trace_id IS NULL OR trace_id = $trace_id)
  AND ($span_id IS NULL OR span_id = $span_id)
  AND ($levels IS NULL
       OR array_has(string_to_array($levels, ','), CAST((severity_number + 3) / 4 AS VARCHAR)))
  AND ($text IS NULL OR strpos(lower(body), lower($text)) > 0)
  AND ($regex IS NULL OR regexp_like(body, $regex))
  AND ($attribute_key IS NULL OR attributes[$attribute_key] = $attribute_value
       OR resource_attributes[$attribute_key] = $attribute_value)
  AND ($before_ns IS NULL OR time_unix_nano <= $before_ns)
ORDER BY time DESC, time_unix_nano DESC, ingested_at DESC, invocation_id DESC, body DESC
LIMIT $limit
