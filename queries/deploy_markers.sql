-- When a function's version was first called, where another version of it was called before: at most the 50 first of the range.
-- It looks back one week before the range, so that a version that was merely not called for a while is none.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds between two points: nothing is marked in the first
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; with this tag only
-- param tag_value: text = null
-- column bucket: timestamp, start of the bucket of its first call
-- column tenant: text
-- column function: text
-- column version: text
WITH seen AS (
    SELECT bucket, tenant, function, version, region, tags
    FROM rollup WHERE bucket >= $from AND bucket < $to
    UNION ALL
    SELECT bucket, tenant, function, version, region, tags
    FROM rollup_hour WHERE bucket >= $from - INTERVAL '7 days' AND bucket < date_trunc('hour', $from)
), first_calls AS (
    SELECT tenant, function, version, min(bucket) AS first_bucket
    FROM seen
    WHERE ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, version
), ranked AS (
    SELECT *, min(first_bucket) OVER (PARTITION BY tenant, function) AS function_began
    FROM first_calls
)
SELECT first_bucket AS bucket, tenant, function, version
FROM ranked
WHERE first_bucket > function_began
  AND first_bucket >= $from + CAST($step || ' seconds' AS INTERVAL)
  AND ($version IS NULL OR version = $version)
ORDER BY bucket, tenant, function, version
LIMIT 50
