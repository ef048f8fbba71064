-- The most calls that ran at once, by bucket of time, of the six functions with the most; and what functions reserve in their
-- active version as lines of their own, at most three.
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
-- column series: text, function, or `limit of` a function
-- column concurrency: bigint, calls at once
WITH reached AS (
    SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, function, max(concurrency) AS concurrency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND concurrency IS NOT NULL
    GROUP BY 1, 2
),
highest AS (
    SELECT *, max(concurrency) OVER (PARTITION BY function) AS most FROM reached
),
placed AS (
    SELECT *, dense_rank() OVER (ORDER BY most DESC, function) AS place FROM highest
),
slots AS (
    SELECT unnest(generate_series(
        to_unixtime(CAST($from AS TIMESTAMP)) / $step, (to_unixtime(CAST($to AS TIMESTAMP)) - 1) / $step
    )) AS slot
),
reserved AS (
    SELECT function, max(reserved_concurrency) AS concurrency
    FROM deployments
    WHERE is_active AND reserved_concurrency IS NOT NULL
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
    GROUP BY function
    ORDER BY concurrency DESC, function
    LIMIT 3
)
SELECT bucket, function AS series, concurrency
FROM placed
WHERE place <= 6
UNION ALL
SELECT to_timestamp_seconds(slot * $step), 'limit of ' || function, concurrency
FROM slots CROSS JOIN reserved
ORDER BY bucket, series
