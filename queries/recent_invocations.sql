-- The newest attempts of the last day of a range, newest first, from raw rows.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- param limit: int = 50; rows at most
-- column started_at: timestamp, when the call arrived
-- column invocation_id: text, unique with source and attempt
-- column attempt: int, 1, 2, ... for retries of the same event
-- column function: text
-- column version: text
-- column outcome: text, ok, error, timeout, out_of_memory, throttled or platform_error
-- column start: text, cold, warm or provisioned; null when nothing ran
-- column felt_ns: bigint, ns; queue, load, compile, instantiate, init and handler
-- column duration_ns: bigint, ns, the handler alone
-- column billed_ms: bigint, ms
-- column memory_mb: bigint, MB of 2^20 bytes, configured
-- column peak_memory_bytes: bigint, bytes
-- column list_cost: decimal, exact, in currency; null where the book does not price an invocation
-- column currency: text, ISO 4217
SELECT
    started_at, invocation_id, attempt, function, version, outcome,
    CASE
        WHEN outcome IN ('throttled', 'platform_error') THEN NULL
        WHEN cold THEN 'cold'
        WHEN init_type = 'provisioned' THEN 'provisioned'
        ELSE 'warm'
    END AS start,
    coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
        + coalesce(init_ns, 0) + duration_ns AS felt_ns,
    duration_ns, billed_ms, memory_mb, peak_memory_bytes, list_cost, currency
FROM invocations
WHERE started_at >= greatest($from, CAST($to AS TIMESTAMP) - INTERVAL '1 day') AND started_at < $to
  AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
ORDER BY started_at DESC, invocation_id, attempt
LIMIT $limit
