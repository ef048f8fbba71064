-- How each function did between two times, from the rollup: what the page of functions lists.
-- Percentiles come from a sketch of 1 % relative error. Amounts of different currencies are never added.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are a multiple of
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of one tag only
-- param tag_value: text = null; the tag's value
-- column tenant: text
-- column function: text
-- column currency: text, ISO 4217
-- column invocations: bigint, attempts that ran (INV)
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column throttled: bigint, throttled (THR)
-- column platform_errors: bigint, faults of ours
-- column cold_starts: bigint
-- column duration_p95_ns: double, ns, of the handler; null where nothing ran
-- column list_cost: decimal, exact, in currency; null where no attempt is priced
SELECT
    tenant, function, currency,
    CAST(sum(invocations) AS BIGINT) AS invocations,
    CAST(sum(errors) + sum(timeouts) + sum(out_of_memory) AS BIGINT) AS errors,
    CAST(sum(throttled) AS BIGINT) AS throttled,
    CAST(sum(platform_errors) AS BIGINT) AS platform_errors,
    CAST(sum(cold) AS BIGINT) AS cold_starts,
    sketch_quantile(duration_sketch, 0.95) AS duration_p95_ns,
    sum(list_cost) AS list_cost
FROM rollup
WHERE bucket >= $from AND bucket < $to
  AND ($tenant IS NULL OR tenant = $tenant)
  AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version)
  AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
GROUP BY tenant, function, currency
ORDER BY invocations DESC, function, tenant, currency
