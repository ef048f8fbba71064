-- The invocations of some traces between two times, summed up by trace and currency.
-- Amounts of different currencies are never added.
-- param trace_ids: text, required; hex, commas between them
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- column trace_id: text, hex
-- column currency: text, ISO 4217; null where it is not known
-- column function: text, of the first
-- column tenant: text, of the first
-- column invocations: bigint
-- column errors: bigint, that did not end well, throttled ones included
-- column cold: bigint, cold starts
-- column list_cost: decimal, exact, in currency; null where none is priced
-- column unpriced: bigint, invocations without a list cost
-- column start_time_unix_nano: bigint, ns since 1970 UTC, of the first
-- column end_time_unix_nano: bigint, ns since 1970 UTC, of the last
SELECT
    trace_id, currency,
    first_value(function ORDER BY started_at, invocation_id) AS function,
    first_value(tenant ORDER BY started_at, invocation_id) AS tenant,
    count(*) AS invocations,
    sum(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END) AS errors,
    sum(CASE WHEN cold THEN 1 ELSE 0 END) AS cold,
    sum(list_cost) AS list_cost,
    sum(CASE WHEN list_cost IS NULL THEN 1 ELSE 0 END) AS unpriced,
    min(CAST(started_at AS BIGINT)) * 1000 AS start_time_unix_nano,
    max(CAST(started_at AS BIGINT) * 1000 + coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0)
        + coalesce(instantiate_ns, 0) + coalesce(init_ns, 0) + coalesce(duration_ns, 0)) AS end_time_unix_nano
FROM invocations
WHERE started_at >= $from AND started_at < $to
  AND array_has(string_to_array($trace_ids, ','), trace_id)
GROUP BY trace_id, currency
ORDER BY trace_id, currency
