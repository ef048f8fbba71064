-- Cold starts by function and version, those that took the longest together first.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column function: text
-- column version: text
-- column invocations: bigint, attempts that ran (INV)
-- column cold: bigint, cold starts
-- column cold_rate: double, cold / INV; null when INV is 0
-- column init_p50_ns: double, ns, within 1 %; null when there was no cold start
-- column init_p95_ns: double, ns
-- column felt_p95_ns: double, ns; latency that callers of cold starts felt
-- column cold_ns: bigint, ns; load, compile, instantiate and init of all cold starts
-- column init_cost: decimal, exact, in currency; what init phases added to the list cost
-- column currency: text, ISO 4217
WITH summed AS (
    SELECT
        tenant, function, version, currency,
        sum(invocations) AS invocations, sum(cold) AS cold,
        sketch_merge(init_sketch) AS inits, sketch_merge(cold_sketch) AS felt,
        sum(cold_load_ns + cold_compile_ns + cold_instantiate_ns + cold_init_ns) AS cold_ns,
        sum(init_cost) AS init_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, version, currency
)
SELECT
    function, version, invocations, cold,
    CAST(cold AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    sketch_value(inits, 0.5) AS init_p50_ns,
    sketch_value(inits, 0.95) AS init_p95_ns,
    sketch_value(felt, 0.95) AS felt_p95_ns,
    cold_ns, init_cost, currency
FROM summed
WHERE invocations > 0
ORDER BY cold_ns DESC, function, version, tenant, currency
LIMIT 200
