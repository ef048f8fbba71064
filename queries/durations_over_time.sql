-- Percentiles of the handler's duration by bucket of time, from sketches with a relative error of 1 %; a bucket in which
-- nothing ran has nulls or no row.
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
-- column duration_p50_ns: double, ns
-- column duration_p95_ns: double, ns
-- column duration_p99_ns: double, ns
WITH merged AS (
    SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, sketch_merge(duration_sketch) AS sketch
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
)
SELECT
    bucket,
    sketch_value(sketch, 0.5) AS duration_p50_ns,
    sketch_value(sketch, 0.95) AS duration_p95_ns,
    sketch_value(sketch, 0.99) AS duration_p99_ns
FROM merged
ORDER BY bucket
