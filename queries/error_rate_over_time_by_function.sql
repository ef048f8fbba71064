-- Error rate by bucket of time and function: the eight functions with the most errors, and all others as one.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int, required; seconds of a bucket, counted from 1970 UTC
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column bucket: timestamp, start of the bucket
-- column series: text, function, or other
-- column error_rate: double, ERR / INV; null when INV is 0
WITH counted AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, function,
        sum(invocations) AS invocations, sum(errors + timeouts + out_of_memory) AS errors
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1, 2
),
totalled AS (
    SELECT *, sum(errors) OVER (PARTITION BY function) AS total FROM counted
),
placed AS (
    SELECT *, dense_rank() OVER (ORDER BY total DESC, function) AS place FROM totalled
),
named AS (
    SELECT bucket, CASE WHEN place <= 8 THEN function ELSE 'other' END AS series, invocations, errors FROM placed
)
SELECT bucket, series, CAST(sum(errors) AS DOUBLE) / NULLIF(sum(invocations), 0) AS error_rate
FROM named
GROUP BY bucket, series
ORDER BY bucket, series
