-- List cost of each function, the dearest first, each currency by itself.
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
-- column tenant: text
-- column invocations: bigint, attempts that ran (INV)
-- column list_cost: decimal, exact, in currency
-- column cost_share: double, of the list cost in this currency, for display
-- column error_cost: decimal, exact; list cost of ERR, within list_cost
-- column retry_cost: decimal, exact; list cost of retries, within list_cost and partly within error_cost
-- column init_cost: decimal, exact; what init phases added to list_cost
-- column cost_per_1000: double, list_cost x 1,000 / INV with a price, divided for display and so not exact
-- column unpriced: bigint, INV without a list cost
-- column currency: text, ISO 4217
WITH summed AS (
    SELECT
        tenant, function, currency, sum(invocations) AS invocations, sum(list_cost) AS list_cost,
        sum(error_cost) AS error_cost, sum(retry_cost) AS retry_cost, sum(init_cost) AS init_cost,
        sum(unpriced) AS unpriced
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, currency
)
SELECT
    function, tenant, invocations, list_cost,
    CAST(list_cost AS DOUBLE) / NULLIF(CAST(sum(list_cost) OVER (PARTITION BY currency) AS DOUBLE), 0) AS cost_share,
    error_cost, retry_cost, init_cost,
    CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations - unpriced, 0) AS cost_per_1000,
    unpriced, currency
FROM summed
WHERE invocations > 0 OR list_cost > 0
ORDER BY currency, list_cost DESC NULLS LAST, function, tenant
LIMIT 1000
