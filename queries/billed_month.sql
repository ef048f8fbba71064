-- The bill of the UTC month in which the range ends, as far as it is rated, and the list cost of what it rated.
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param region: text = null; of one region's prices only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column billed_cost: decimal, as invoiced: free allowances off, tiers, rounded once by line; null where amounts of several currencies would have to be added
-- column exact_cost: decimal, the same before it is rounded
-- column currency: text, ISO 4217; `2 currencies` and so on where there are several
-- column month: text, such as March 2026
-- column period: text, YYYY-MM
WITH asked AS (
    SELECT to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m') AS period
),
by_currency AS (
    SELECT billing_currency AS currency, sum(billed_cost) AS billed_cost, sum(contracted_cost) AS exact_cost
    FROM charges
    WHERE month = (SELECT period FROM asked)
      AND ($tenant IS NULL OR sub_account_id = $tenant) AND ($function IS NULL OR resource_id = $function)
      AND ($region IS NULL OR region_id = $region) AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY billing_currency
),
summed AS (
    SELECT
        count(*) AS currencies, max(currency) AS currency, sum(billed_cost) AS billed_cost, sum(exact_cost) AS exact_cost
    FROM by_currency
)
SELECT
    CASE WHEN currencies = 1 THEN billed_cost END AS billed_cost,
    CASE WHEN currencies = 1 THEN exact_cost END AS exact_cost,
    CASE WHEN currencies <= 1 THEN currency ELSE currencies || ' currencies' END AS currency,
    to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%B %Y') AS month,
    to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m') AS period
FROM summed
