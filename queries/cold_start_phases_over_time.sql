-- Init of cold starts and the mean length of each phase, by bucket of time; percentiles come from sketches with a relative
-- error of 1 %.
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
-- column cold: bigint, cold starts
-- column init_p50_ns: double, ns
-- column init_p90_ns: double, ns
-- column init_p99_ns: double, ns
-- column load_ns: double, ns; mean of a cold start
-- column compile_ns: double, ns; mean of a cold start
-- column instantiate_ns: double, ns; mean of a cold start
-- column init_ns: double, ns; mean of a cold start
WITH merged AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket,
        sum(cold) AS cold, sketch_merge(init_sketch) AS sketch, sum(cold_load_ns) AS load_ns,
        sum(cold_compile_ns) AS compile_ns, sum(cold_instantiate_ns) AS instantiate_ns, sum(cold_init_ns) AS init_ns
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
    HAVING sum(cold) > 0
)
SELECT
    bucket, cold,
    sketch_value(sketch, 0.5) AS init_p50_ns,
    sketch_value(sketch, 0.9) AS init_p90_ns,
    sketch_value(sketch, 0.99) AS init_p99_ns,
    CAST(load_ns AS DOUBLE) / cold AS load_ns,
    CAST(compile_ns AS DOUBLE) / cold AS compile_ns,
    CAST(instantiate_ns AS DOUBLE) / cold AS instantiate_ns,
    CAST(init_ns AS DOUBLE) / cold AS init_ns
FROM merged
ORDER BY bucket
