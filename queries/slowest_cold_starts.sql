-- The cold starts whose callers waited the longest, from raw rows.
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
-- column function: text
-- column version: text
-- column outcome: text, ok, error, timeout or out_of_memory
-- column felt_ns: bigint, ns; queue, load, compile, instantiate, init and handler
-- column load_ns: bigint, ns
-- column compile_ns: bigint, ns
-- column instantiate_ns: bigint, ns
-- column init_ns: bigint, ns
-- column duration_ns: bigint, ns, the handler alone
-- column memory_mb: bigint, MB of 2^20 bytes, configured
-- column list_cost: decimal, exact, in currency; null where the book does not price an invocation
-- column currency: text, ISO 4217
WITH minutes AS (
    SELECT function, bucket, cold, cold_sketch FROM rollup
    WHERE bucket > $from - INTERVAL '1 minute' AND bucket < $to AND cold > 0
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
),
-- That many of whole minutes surely took as long, by a sketch that is within 1 %.
least AS (
    SELECT
        CASE
            WHEN sum(cold) > $limit
            THEN 0.97 * sketch_value(sketch_merge(cold_sketch), 1 - (CAST($limit AS DOUBLE) + 1) / sum(cold))
            ELSE 0
        END AS felt_ns
    FROM minutes
    WHERE bucket >= $from AND bucket + INTERVAL '1 minute' <= $to
),
-- Rows lie by function and time, so that those of minutes whose longest is shorter are not read.
candidates AS (
    SELECT DISTINCT function AS slow_function, bucket AS slow_minute FROM minutes CROSS JOIN least
    WHERE felt_ns IS NULL OR 1.02 * sketch_value(cold_sketch, 1.0) >= felt_ns
),
slowest AS (
    -- An id in this order would be read of every cold start, and not of the slowest alone.
    SELECT
        started_at, invocation_id, function, version, outcome,
        coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
        + coalesce(init_ns, 0) + duration_ns AS felt_ns,
        load_ns, compile_ns, instantiate_ns, init_ns, duration_ns, memory_mb, list_cost, currency
    FROM candidates JOIN invocations ON function = slow_function AND date_trunc('minute', started_at) = slow_minute
    WHERE started_at >= $from AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND cold AND outcome NOT IN ('throttled', 'platform_error')
    ORDER BY felt_ns DESC, started_at DESC
    LIMIT $limit
)
SELECT * FROM slowest
ORDER BY felt_ns DESC, started_at DESC, invocation_id
