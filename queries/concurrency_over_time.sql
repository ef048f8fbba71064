-- The most calls that ran at once against the limit, by bucket of time, buckets without a call included. The limit is what
-- the function reserves in its active version, or else the account's; it is given for one function, and left out where
-- concurrency stayed below a quarter of it.
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
-- column concurrency: bigint, the highest of one function; 0 when nothing was called, null when it is not known
-- column concurrency_limit: bigint, calls at once; null for several functions, without a limit, or far away
WITH slots AS (
    SELECT unnest(generate_series(
        to_unixtime(CAST($from AS TIMESTAMP)) / $step, (to_unixtime(CAST($to AS TIMESTAMP)) - 1) / $step
    )) AS slot
),
buckets AS (
    SELECT to_timestamp_seconds(slot * $step) AS bucket FROM slots
),
reached AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket,
        max(concurrency) AS concurrency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
),
reserved AS (
    SELECT max(reserved_concurrency) AS concurrency
    FROM deployments
    WHERE is_active AND function = $function AND ($tenant IS NULL OR tenant = $tenant)
),
allowed AS (
    SELECT
        CASE WHEN $function IS NOT NULL THEN coalesce(reserved.concurrency, limits.account_concurrency) END
            AS concurrency
    FROM limits CROSS JOIN reserved
)
SELECT
    buckets.bucket,
    CASE WHEN reached.bucket IS NULL THEN 0 ELSE reached.concurrency END AS concurrency,
    CASE WHEN max(reached.concurrency) OVER () * 4 >= allowed.concurrency THEN allowed.concurrency END
        AS concurrency_limit
FROM buckets
LEFT JOIN reached ON reached.bucket = buckets.bucket
CROSS JOIN allowed
ORDER BY buckets.bucket
