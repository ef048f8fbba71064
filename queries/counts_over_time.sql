-- Counts, rates and list cost by bucket of time; a bucket without attempts has no row. Costs are null in buckets where
-- amounts of several currencies would have to be added.
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
-- column invocations: bigint, attempts that ran (INV)
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column ok: bigint, INV without ERR
-- column error: bigint, outcome error
-- column timeout: bigint, outcome timeout
-- column out_of_memory: bigint, outcome out_of_memory
-- column throttled: bigint, outcome throttled (THR)
-- column platform_error: bigint, outcome platform_error
-- column throttled_function: bigint, throttled by the function's reserved concurrency
-- column throttled_tenant: bigint, throttled by the tenant's concurrency
-- column throttled_account: bigint, throttled by the account's concurrency
-- column throttled_rate: bigint, throttled by a rate
-- column throttled_budget: bigint, throttled by a budget
-- column cold: bigint, cold among INV
-- column retries: bigint, INV with attempt 2 or more
-- column error_rate: double, ERR / INV; null when INV is 0
-- column throttle_rate: double, THR / (INV + THR); null when both are 0
-- column cold_rate: double, cold / INV; null when INV is 0
-- column list_cost: decimal, exact, in currency
-- column error_cost: decimal, exact; list cost of ERR
-- column retry_cost: decimal, exact; list cost of retries
-- column init_cost: decimal, exact; what init phases added to list_cost
-- column cost_per_1000: double, list_cost x 1,000 / INV with a price, divided for display and so not exact; null when there is none
-- column currency: text, ISO 4217; null where there are several
WITH counted AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket,
        sum(invocations) AS invocations, sum(errors) AS error, sum(timeouts) AS timeout,
        sum(out_of_memory) AS out_of_memory, sum(throttled) AS throttled, sum(platform_errors) AS platform_error,
        sum(throttled_function) AS throttled_function, sum(throttled_tenant) AS throttled_tenant,
        sum(throttled_account) AS throttled_account, sum(throttled_rate) AS throttled_rate,
        sum(throttled_budget) AS throttled_budget, sum(cold) AS cold, sum(retries) AS retries,
        sum(list_cost) AS list_cost, sum(error_cost) AS error_cost, sum(retry_cost) AS retry_cost,
        sum(init_cost) AS init_cost, sum(unpriced) AS unpriced,
        min(currency) FILTER (WHERE list_cost > 0) AS first_currency,
        max(currency) FILTER (WHERE list_cost > 0) AS last_currency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1
),
rated AS (
    SELECT *, error + timeout + out_of_memory AS errors,
    first_currency IS NOT DISTINCT FROM last_currency AS one_currency
    FROM counted
)
SELECT
    bucket, invocations, errors, invocations - errors AS ok, error, timeout, out_of_memory, throttled, platform_error,
    throttled_function, throttled_tenant, throttled_account, throttled_rate, throttled_budget, cold, retries,
    CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate,
    CAST(throttled AS DOUBLE) / NULLIF(invocations + throttled, 0) AS throttle_rate,
    CAST(cold AS DOUBLE) / NULLIF(invocations, 0) AS cold_rate,
    CASE WHEN one_currency THEN list_cost END AS list_cost,
    CASE WHEN one_currency THEN error_cost END AS error_cost,
    CASE WHEN one_currency THEN retry_cost END AS retry_cost,
    CASE WHEN one_currency THEN init_cost END AS init_cost,
    CASE WHEN one_currency THEN CAST(list_cost AS DOUBLE) * 1000 / NULLIF(invocations - unpriced, 0) END AS cost_per_1000,
    CASE WHEN one_currency THEN first_currency END AS currency
FROM rated
ORDER BY bucket
