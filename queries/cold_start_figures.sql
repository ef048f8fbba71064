-- Cold starts of a range in one row, for tiles. Costs are null where amounts of several currencies would have to be added:
-- then `currency` says how many there are.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column invocations: bigint, attempts that ran (INV)
-- column cold: bigint, cold starts
-- column cold_rate: double, cold / INV; null when INV is 0
-- column init_p50_ns: double, ns, within 1 %, over cold starts; null when there were none
-- column init_p95_ns: double, ns
-- column felt_p95_ns: double, ns; latency that callers of cold starts felt
-- column init_cost: decimal, exact; what init phases added to the list cost
-- column init_cost_share: double, init_cost / list cost, for display
-- column currency: text, ISO 4217; `2 currencies` and so on where there are several
-- column worst_function: text, whose cold starts took the longest together (load, compile, instantiate, init)
-- column worst_note: text, how many and how long
-- column none_note: text, `none in N invocations` where there were none, else how many
WITH by_function AS (
    SELECT
        function, currency, sum(invocations) AS invocations, sum(cold) AS cold,
        sum(cold_load_ns + cold_compile_ns + cold_instantiate_ns + cold_init_ns) AS cold_ns,
        sketch_merge(init_sketch) AS inits, sketch_merge(cold_sketch) AS felt,
        sum(list_cost) AS list_cost, sum(init_cost) AS init_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY function, currency
),
summed AS (
    SELECT
        coalesce(sum(invocations), 0) AS invocations, coalesce(sum(cold), 0) AS cold,
        sketch_merge(inits) AS inits, sketch_merge(felt) AS felt,
        count(DISTINCT currency) FILTER (WHERE list_cost > 0) AS currencies,
        coalesce(max(currency) FILTER (WHERE list_cost > 0), max(currency)) AS currency,
        sum(list_cost) AS list_cost, sum(init_cost) AS init_cost,
        first_value(function ORDER BY cold_ns DESC, function) FILTER (WHERE cold > 0) AS worst_function,
        first_value(cold ORDER BY cold_ns DESC, function) FILTER (WHERE cold > 0) AS worst_cold,
        max(cold_ns) AS worst_ns
    FROM by_function
)
SELECT
    invocations, cold,
    CAST(cold AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    sketch_value(inits, 0.5) AS init_p50_ns,
    sketch_value(inits, 0.95) AS init_p95_ns,
    sketch_value(felt, 0.95) AS felt_p95_ns,
    CASE WHEN currencies <= 1 THEN init_cost END AS init_cost,
    CASE WHEN currencies <= 1 THEN CAST(init_cost AS DOUBLE) / NULLIF(CAST(list_cost AS DOUBLE), 0) END
        AS init_cost_share,
    CASE WHEN currencies <= 1 THEN currency ELSE currencies || ' currencies' END AS currency,
    worst_function,
    worst_cold || ' cold starts, ' || round(CAST(worst_ns AS DOUBLE) / 1e9, 1) || ' s' AS worst_note,
    CASE WHEN cold = 0 THEN 'none in ' || invocations || ' invocations' ELSE 'of ' || invocations END
        AS none_note
FROM summed
