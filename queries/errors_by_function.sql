-- Errors of each function, those with the most first.
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
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column error_rate: double, ERR / INV; null when INV is 0
-- column error: bigint, outcome error
-- column timeout: bigint, outcome timeout
-- column out_of_memory: bigint, outcome out_of_memory
-- column platform_errors: bigint, faults of ours, in neither INV nor ERR
-- column retries: bigint, INV with attempt 2 or more
-- column error_cost: decimal, exact, in currency; list cost of ERR
-- column retry_cost: decimal, exact, in currency; list cost of retries, partly within error_cost
-- column currency: text, ISO 4217
WITH summed AS (
    SELECT
        tenant, function, currency, sum(invocations) AS invocations,
        sum(errors + timeouts + out_of_memory) AS errors, sum(errors) AS error, sum(timeouts) AS timeout,
        sum(out_of_memory) AS out_of_memory, sum(platform_errors) AS platform_errors, sum(retries) AS retries,
        sum(error_cost) AS error_cost, sum(retry_cost) AS retry_cost
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, currency
)
SELECT
    function, tenant, invocations, errors, CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate,
    error, timeout, out_of_memory, platform_errors, retries, error_cost, retry_cost, currency
FROM summed
WHERE invocations > 0 OR platform_errors > 0
ORDER BY errors DESC, platform_errors DESC, invocations DESC, function, tenant, currency
LIMIT 1000
