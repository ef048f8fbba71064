-- Invocations by bucket of time and version.
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
-- column series: text, version
-- column invocations: bigint, attempts that ran (INV)
SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, version AS series,
sum(invocations) AS invocations
FROM rollup
WHERE bucket >= $from AND bucket < $to
  AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
GROUP BY 1, 2
HAVING sum(invocations) > 0
ORDER BY bucket, series
