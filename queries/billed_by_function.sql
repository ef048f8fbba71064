-- Each function's share of the bill of the UTC month in which the range ends, as far as it is rated.
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param region: text = null; of one region's prices only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column function: text
-- column tenant: text
-- column billed_cost: decimal, as invoiced, in whole minor units
-- column exact_cost: decimal, the same before it is rounded
-- column list_cost: decimal, the sum of list_cost of the function's records of that month
-- column billed_share: double, of the bill in this currency, for display
-- column currency: text, ISO 4217
WITH billed AS (
    SELECT
        resource_id AS function, sub_account_id AS tenant, billing_currency AS currency, sum(billed_cost) AS billed_cost,
        sum(contracted_cost) AS exact_cost
    FROM charges
    WHERE month = to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m')
      AND ($tenant IS NULL OR sub_account_id = $tenant) AND ($function IS NULL OR resource_id = $function)
      AND ($region IS NULL OR region_id = $region) AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND resource_id IS NOT NULL
    GROUP BY resource_id, sub_account_id, billing_currency
),
listed AS (
    SELECT function, tenant, currency, sum(list_cost) AS list_cost
    FROM rollup_hour
    WHERE bucket >= date_trunc('month', CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond')
      AND bucket < date_trunc('month', CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond') + INTERVAL '1 month'
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($region IS NULL OR region = $region) AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY function, tenant, currency
)
SELECT
    billed.function, billed.tenant, billed_cost, exact_cost, list_cost,
    CAST(billed_cost AS DOUBLE) / NULLIF(CAST(sum(billed_cost) OVER (PARTITION BY billed.currency) AS DOUBLE), 0)
        AS billed_share,
    billed.currency
FROM billed
LEFT JOIN listed
    ON listed.function = billed.function AND listed.tenant = billed.tenant AND listed.currency = billed.currency
ORDER BY billed.currency, billed_cost DESC, exact_cost DESC, billed.function, billed.tenant
LIMIT 1000
