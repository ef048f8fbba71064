-- Invocations by the handler's duration, twenty bins for each power of ten.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column low: double, ns, included
-- column high: double, ns, not included
-- column invocations: bigint, attempts that ran (INV)
WITH bins AS (
    SELECT unnest(sketch_histogram(sketch_merge(duration_sketch), 20)) AS bin
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
)
SELECT bin['low'] AS low, bin['high'] AS high, bin['count'] AS invocations
FROM bins
ORDER BY low
