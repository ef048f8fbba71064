-- The ten functions with the highest list cost, each currency by itself.
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
-- column list_cost: decimal, exact, in currency
-- column cost_per_1000: double, list_cost / INV x 1,000, divided for display and so not exact
-- column currency: text, ISO 4217
-- column invocations: bigint, attempts that ran (INV)
WITH summed AS (
    SELECT tenant, function, currency, sum(invocations) AS invocations, sum(list_cost) AS list_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, currency
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY currency ORDER BY list_cost DESC, function, tenant) AS place
    FROM summed
    WHERE list_cost > 0
)
SELECT
    function, tenant, list_cost,
    CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations, 0) AS cost_per_1000,
    currency, invocations
FROM placed
WHERE place <= 10
ORDER BY currency, place
