-- List cost of each tag and value, each tag by itself: a call with several tags counts under each, so that the amounts of
-- different tags are not to be added.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column tag: text, its key
-- column value: text
-- column invocations: bigint, attempts that ran (INV)
-- column list_cost: decimal, exact, in currency
-- column cost_share: double, of the list cost of all that have this tag in this currency, for display
-- column cost_per_1000: double, list_cost / INV x 1,000, divided for display and so not exact
-- column currency: text, ISO 4217
WITH by_tags AS (
    SELECT tags, currency, sum(invocations) AS invocations, sum(list_cost) AS list_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tags, currency
),
pairs AS (
    SELECT unnest(map_keys(tags)) AS tag, unnest(map_values(tags)) AS value, currency, invocations, list_cost
    FROM by_tags
),
summed AS (
    SELECT tag, value, currency, sum(invocations) AS invocations, sum(list_cost) AS list_cost
    FROM pairs
    GROUP BY tag, value, currency
)
SELECT
    tag, value, invocations, list_cost,
    CAST(list_cost AS DOUBLE) / NULLIF(CAST(sum(list_cost) OVER (PARTITION BY tag, currency) AS DOUBLE), 0)
        AS cost_share,
    CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations, 0) AS cost_per_1000,
    currency
FROM summed
WHERE invocations > 0 OR list_cost > 0
ORDER BY tag, currency, list_cost DESC NULLS LAST, value
LIMIT 1000
