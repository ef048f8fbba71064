-- Percentiles of the handler's duration over a range in one row, for tiles. They come from sketches with a relative error
-- of 1 %.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column duration_p50_ns: double, ns; null when nothing ran
-- column duration_p95_ns: double, ns
-- column duration_p99_ns: double, ns
WITH merged AS (
    SELECT sketch_merge(duration_sketch) AS durations
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
)
SELECT
    sketch_value(durations, 0.5) AS duration_p50_ns,
    sketch_value(durations, 0.95) AS duration_p95_ns,
    sketch_value(durations, 0.99) AS duration_p99_ns
FROM merged
