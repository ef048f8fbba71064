-- How each function did between two times: counts, rates, durations and list cost, the most called first.
-- Attempts that were throttled or failed by a fault of ours count as neither invocations nor errors.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- column tenant: text
-- column function: text
-- column invocations: bigint, attempts that ran (INV)
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column throttles: bigint, throttled (THR)
-- column platform_errors: bigint, faults of ours
-- column cold_starts: bigint
-- column error_rate: double, ERR / INV; null when INV is 0
-- column throttle_rate: double, THR / (INV + THR); null when both are 0
-- column cold_rate: double, cold / INV; null when INV is 0
-- column duration_p50_ms: double, ms, exact percentile of the handler; null when INV is 0
-- column duration_p95_ms: double, ms
-- column duration_p99_ms: double, ms
-- column list_cost: decimal, exact, in currency; null where no attempt is priced
-- column currency: text, ISO 4217
WITH counted AS (
    SELECT
        tenant, function, currency,
        count(*) FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')) AS invocations,
        count(*) FILTER (WHERE outcome IN ('error', 'timeout', 'out_of_memory')) AS errors,
        count(*) FILTER (WHERE outcome = 'throttled') AS throttles,
        count(*) FILTER (WHERE outcome = 'platform_error') AS platform_errors,
        count(*) FILTER (WHERE cold AND outcome NOT IN ('throttled', 'platform_error')) AS cold_starts,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns)
            FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')) AS p50_ns,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns)
            FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')) AS p95_ns,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns)
            FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')) AS p99_ns,
        sum(list_cost) AS list_cost
    FROM invocations
    WHERE started_at >= $from AND started_at < $to
    GROUP BY tenant, function, currency
)
SELECT
    tenant, function, invocations, errors, throttles, platform_errors, cold_starts,
    CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate,
    CAST(throttles AS DOUBLE) / NULLIF(invocations + throttles, 0) AS throttle_rate,
    CAST(cold_starts AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    p50_ns / 1e6 AS duration_p50_ms,
    p95_ns / 1e6 AS duration_p95_ms,
    p99_ns / 1e6 AS duration_p99_ms,
    list_cost, currency
FROM counted
ORDER BY invocations DESC, throttles DESC, function, tenant, currency
