-- Throttled calls of each function by what turned them away, those with the most first.
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
-- column throttled: bigint, throttled (THR)
-- column throttle_rate: double, THR / (INV + THR)
-- column throttled_function: bigint, by the function's reserved concurrency
-- column throttled_tenant: bigint, by the tenant's concurrency
-- column throttled_account: bigint, by the account's concurrency
-- column throttled_rate: bigint, by a rate
-- column throttled_budget: bigint, by a budget
WITH summed AS (
    SELECT
        tenant, function, sum(invocations) AS invocations, sum(throttled) AS throttled,
        sum(throttled_function) AS throttled_function, sum(throttled_tenant) AS throttled_tenant,
        sum(throttled_account) AS throttled_account, sum(throttled_rate) AS throttled_rate,
        sum(throttled_budget) AS throttled_budget
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function
)
SELECT
    function, tenant, invocations, throttled,
    CAST(throttled AS DOUBLE) / NULLIF(invocations + throttled, 0) AS throttle_rate,
    throttled_function, throttled_tenant, throttled_account, throttled_rate, throttled_budget
FROM summed
WHERE throttled > 0
ORDER BY throttled DESC, function, tenant
LIMIT 1000
