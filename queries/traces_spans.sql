-- The spans of some traces between two times, summed up by trace.
-- param trace_ids: text, required; hex, commas between them
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- column trace_id: text, hex
-- column root: text, the name of the first span without a parent, or else of the first
-- column function: text, of that span, or its service; null where neither is known
-- column tenant: text, of that span
-- column spans: bigint
-- column errors: bigint, spans that failed
-- column start_time_unix_nano: bigint, ns since 1970 UTC, of the first
-- column end_time_unix_nano: bigint, ns since 1970 UTC, of the last
SELECT
    trace_id,
    first_value(name ORDER BY parent_span_id IS NULL DESC, start_time_unix_nano, span_id) AS root,
    first_value(coalesce(function, resource_attributes['service.name'])
        ORDER BY parent_span_id IS NULL DESC, start_time_unix_nano, span_id) AS function,
    first_value(tenant ORDER BY parent_span_id IS NULL DESC, start_time_unix_nano, span_id) AS tenant,
    count(*) AS spans,
    sum(CASE WHEN status_code = 2 THEN 1 ELSE 0 END) AS errors,
    min(start_time_unix_nano) AS start_time_unix_nano,
    max(end_time_unix_nano) AS end_time_unix_nano
FROM spans
WHERE started_at >= $from AND started_at < $to
  AND array_has(string_to_array($trace_ids, ','), trace_id)
GROUP BY trace_id
ORDER BY trace_id
