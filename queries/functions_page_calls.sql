-- Calls of some functions over time, from the rollup: the small lines on the page of functions.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int, required; seconds of a bucket
-- param functions: text, required; their names, a line each
-- param tenant: text = null; of one tenant only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of one tag only
-- param tag_value: text = null; the tag's value
-- column tenant: text
-- column function: text
-- column bucket: timestamp, start of the bucket, UTC
-- column invocations: bigint, attempts that ran (INV)
SELECT
    tenant, function,
    date_bin(CAST(concat($step, ' seconds') AS INTERVAL), bucket) AS bucket,
    CAST(sum(invocations) AS BIGINT) AS invocations
FROM rollup
WHERE bucket >= $from AND bucket < $to
  AND array_has(string_to_array($functions, chr(10)), function)
  AND ($tenant IS NULL OR tenant = $tenant)
  AND ($version IS NULL OR version = $version)
  AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
GROUP BY 1, 2, 3
ORDER BY tenant, function, bucket
