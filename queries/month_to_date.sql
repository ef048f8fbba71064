-- List cost from the start of the UTC month in which the range ends to its end, to the minute.
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column list_cost: decimal, exact, in currency; null where amounts of several currencies would have to be added
-- column currency: text, ISO 4217; `2 currencies` and so on where there are several
-- column invocations: bigint, attempts that ran (INV)
-- column since: timestamp, start of the month
-- column month: text, such as March 2026
WITH parts AS (
    SELECT currency, invocations, list_cost
    FROM rollup_hour
    WHERE bucket >= date_trunc('month', CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond')
      AND bucket < date_trunc('hour', CAST($to AS TIMESTAMP))
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    UNION ALL
    SELECT currency, invocations, list_cost
    FROM rollup_minute
    WHERE bucket >= date_trunc('hour', CAST($to AS TIMESTAMP)) AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
),
by_currency AS (
    SELECT currency, sum(invocations) AS invocations, sum(list_cost) AS list_cost FROM parts GROUP BY currency
),
summed AS (
    SELECT
        coalesce(sum(invocations), 0) AS invocations, sum(list_cost) AS list_cost,
        count(*) FILTER (WHERE list_cost > 0) AS currencies,
        coalesce(max(currency) FILTER (WHERE list_cost > 0), max(currency)) AS currency
    FROM by_currency
)
SELECT
    CASE WHEN currencies <= 1 THEN list_cost END AS list_cost,
    CASE WHEN currencies <= 1 THEN currency ELSE currencies || ' currencies' END AS currency,
    invocations,
    date_trunc('month', CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond') AS since,
    to_char(date_trunc('month', CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond'), '%B %Y') AS month
FROM summed
