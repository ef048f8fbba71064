-- The most memory that an invocation used against what was configured, by bucket of time.
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
-- column peak_memory_bytes: bigint, bytes; the highest
-- column limit_bytes: bigint, bytes; the highest configured memory among what was called, 1 MB being 2^20 bytes
-- column used_share: double, the highest peak / limit of one version and size
SELECT
    date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket,
    max(peak_memory_bytes) AS peak_memory_bytes,
    max(memory_mb) * 1048576 AS limit_bytes,
    max(CAST(peak_memory_bytes AS DOUBLE) / NULLIF(memory_mb * 1048576, 0)) AS used_share
FROM rollup
WHERE bucket >= $from AND bucket < $to
  AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
  AND invocations > 0
GROUP BY 1
ORDER BY bucket
