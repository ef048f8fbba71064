-- Money that bought nothing, by bucket of time. The three overlap (a retry may fail, an init may belong to either): they are
-- not to be added. Null in buckets where amounts of several currencies would have to be added.
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
-- column error_cost: decimal, exact; list cost of error, timeout and out_of_memory
-- column retry_cost: decimal, exact; list cost of attempts 2 and more
-- column init_cost: decimal, exact; what init phases added to list cost
-- column currency: text, ISO 4217; null where there are several
WITH summed AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket,
        sum(error_cost) AS error_cost, sum(retry_cost) AS retry_cost, sum(init_cost) AS init_cost,
        min(currency) FILTER (WHERE list_cost > 0) AS first_currency,
        max(currency) FILTER (WHERE list_cost > 0) AS last_currency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
)
SELECT
    bucket,
    CASE WHEN first_currency = last_currency THEN error_cost END AS error_cost,
    CASE WHEN first_currency = last_currency THEN retry_cost END AS retry_cost,
    CASE WHEN first_currency = last_currency THEN init_cost END AS init_cost,
    CASE WHEN first_currency = last_currency THEN first_currency END AS currency
FROM summed
WHERE first_currency IS NOT NULL
ORDER BY bucket
