-- Versions of functions side by side, the newest first.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column function: text
-- column version: text
-- column invocations: bigint, attempts that ran (INV)
-- column error_rate: double, ERR / INV; null when INV is 0
-- column throttle_rate: double, THR / (INV + THR); null when both are 0
-- column cold_rate: double, cold / INV; null when INV is 0
-- column duration_p50_ns: double, ns, within 1 %; null when nothing ran
-- column duration_p95_ns: double, ns
-- column duration_p99_ns: double, ns
-- column init_p95_ns: double, ns; of cold starts; null when there were none
-- column peak_memory_bytes: bigint, bytes; the highest
-- column memory_mb: bigint, MB of 2^20 bytes, configured; the highest
-- column list_cost: decimal, exact, in currency
-- column cost_per_1000: double, list_cost / INV x 1,000, divided for display and so not exact
-- column currency: text, ISO 4217
-- column last_called: timestamp, start of the last bucket of the rollup with a call
WITH summed AS (
    SELECT
        tenant, function, version, currency,
        sum(invocations) AS invocations, sum(errors + timeouts + out_of_memory) AS errors,
        sum(throttled) AS throttled, sum(cold) AS cold,
        sketch_merge(duration_sketch) AS durations, sketch_merge(init_sketch) AS inits,
        max(peak_memory_bytes) AS peak_memory_bytes, max(memory_mb) AS memory_mb,
        sum(list_cost) AS list_cost, max(bucket) AS last_called
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, version, currency
)
SELECT
    function, version, invocations,
    CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate,
    CAST(throttled AS DOUBLE) / NULLIF(invocations + throttled, 0) AS throttle_rate,
    CAST(cold AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    sketch_value(durations, 0.5) AS duration_p50_ns,
    sketch_value(durations, 0.95) AS duration_p95_ns,
    sketch_value(durations, 0.99) AS duration_p99_ns,
    sketch_value(inits, 0.95) AS init_p95_ns,
    peak_memory_bytes, memory_mb, list_cost,
    CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations, 0) AS cost_per_1000,
    currency, last_called
FROM summed
ORDER BY last_called DESC, invocations DESC, function, version, tenant, currency
LIMIT 200
