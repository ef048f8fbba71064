-- Cold starts by hour between two times; an hour without invocations has no row.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param function: text = null; of one function only
-- column hour: timestamp, start of the hour, UTC
-- column invocations: bigint, attempts that ran
-- column cold_starts: bigint
-- column cold_rate: double, cold / invocations
-- column init_p50_ms: double, ms, exact percentile over cold starts; null when there was none
-- column init_p99_ms: double, ms
WITH counted AS (
    SELECT
        date_bin(INTERVAL '1 hour', started_at) AS hour,
        count(*) AS invocations,
        count(*) FILTER (WHERE cold) AS cold_starts,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY init_ns) FILTER (WHERE cold) AS p50_ns,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY init_ns) FILTER (WHERE cold) AS p99_ns
    FROM invocations
    WHERE started_at >= $from AND started_at < $to
      AND outcome NOT IN ('throttled', 'platform_error')
      AND ($function IS NULL OR function = $function)
    GROUP BY 1
)
SELECT
    hour, invocations, cold_starts,
    CAST(cold_starts AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    p50_ns / 1e6 AS init_p50_ms, p99_ns / 1e6 AS init_p99_ms
FROM counted
ORDER BY hour
