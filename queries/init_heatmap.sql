-- Counts by bucket of time and init of cold starts, five bins for each power of ten.
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
-- column low: double, ns, included
-- column high: double, ns, not included
-- column count: bigint, cold starts
WITH merged AS (
    SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, sketch_merge(init_sketch) AS sketch
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
),
bins AS (
    SELECT bucket, unnest(sketch_histogram(sketch, 5)) AS bin FROM merged
)
SELECT bucket, bin['low'] AS low, bin['high'] AS high, bin['count'] AS count
FROM bins
ORDER BY bucket, low
