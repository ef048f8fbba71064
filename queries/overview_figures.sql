-- Counts, rates and list cost of a range in one row, for tiles. Costs are null where amounts of several currencies would
-- have to be added: then `currency` says how many there are.
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
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column throttled: bigint, throttled (THR)
-- column platform_errors: bigint, faults of ours, in neither INV nor ERR
-- column cold: bigint, cold among INV
-- column retries: bigint, INV with attempt 2 or more
-- column error_rate: double, ERR / INV; null when INV is 0
-- column throttle_rate: double, THR / (INV + THR); null when both are 0
-- column cold_rate: double, cold / INV; null when INV is 0
-- column list_cost: decimal, exact, in currency
-- column error_cost: decimal, exact; list cost of ERR, within list_cost
-- column retry_cost: decimal, exact; list cost of retries, within list_cost and partly within error_cost
-- column init_cost: decimal, exact; what init phases added to list_cost
-- column cost_per_1000: double, list_cost x 1,000 / INV with a price, divided for display and so not exact; null when there is none
-- column error_cost_share: double, error_cost / list_cost, for display
-- column retry_cost_share: double, retry_cost / list_cost, for display
-- column init_cost_share: double, init_cost / list_cost, for display
-- column currency: text, ISO 4217; `2 currencies` and so on where there are several
-- column unpriced: bigint, INV without a list cost: their book prices a month, not an invocation
WITH by_currency AS (
    SELECT
        currency,
        sum(invocations) AS invocations, sum(errors + timeouts + out_of_memory) AS errors, sum(throttled) AS throttled,
        sum(platform_errors) AS platform_errors, sum(cold) AS cold, sum(retries) AS retries,
        sum(unpriced) AS unpriced, sum(list_cost) AS list_cost, sum(error_cost) AS error_cost,
        sum(retry_cost) AS retry_cost, sum(init_cost) AS init_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY currency
),
summed AS (
    SELECT
        coalesce(sum(invocations), 0) AS invocations, coalesce(sum(errors), 0) AS errors,
        coalesce(sum(throttled), 0) AS throttled, coalesce(sum(platform_errors), 0) AS platform_errors,
        coalesce(sum(cold), 0) AS cold, coalesce(sum(retries), 0) AS retries, coalesce(sum(unpriced), 0) AS unpriced,
        count(*) FILTER (WHERE list_cost > 0) AS currencies,
        coalesce(max(currency) FILTER (WHERE list_cost > 0), max(currency)) AS currency,
        sum(list_cost) AS list_cost, sum(error_cost) AS error_cost,
        sum(retry_cost) AS retry_cost, sum(init_cost) AS init_cost
    FROM by_currency
)
SELECT
    invocations, errors, throttled, platform_errors, cold, retries,
    CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate,
    CAST(throttled AS DOUBLE) / NULLIF(invocations + throttled, 0) AS throttle_rate,
    CAST(cold AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    CASE WHEN currencies <= 1 THEN list_cost END AS list_cost,
    CASE WHEN currencies <= 1 THEN error_cost END AS error_cost,
    CASE WHEN currencies <= 1 THEN retry_cost END AS retry_cost,
    CASE WHEN currencies <= 1 THEN init_cost END AS init_cost,
    CASE WHEN currencies <= 1 THEN CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations - unpriced, 0) END AS cost_per_1000,
    CASE WHEN currencies <= 1 THEN CAST(error_cost AS DOUBLE) / NULLIF(CAST(list_cost AS DOUBLE), 0) END
        AS error_cost_share,
    CASE WHEN currencies <= 1 THEN CAST(retry_cost AS DOUBLE) / NULLIF(CAST(list_cost AS DOUBLE), 0) END
        AS retry_cost_share,
    CASE WHEN currencies <= 1 THEN CAST(init_cost AS DOUBLE) / NULLIF(CAST(list_cost AS DOUBLE), 0) END
        AS init_cost_share,
    CASE WHEN currencies <= 1 THEN currency ELSE currencies || ' currencies' END AS currency,
    unpriced
FROM summed
