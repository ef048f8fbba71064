-- The ten functions with the most errors.
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
-- column errors: bigint, error, timeout and out_of_memory (ERR)
-- column error_rate: double, ERR / INV; null when INV is 0
-- column invocations: bigint, attempts that ran (INV)
WITH summed AS (
    SELECT tenant, function, sum(invocations) AS invocations, sum(errors + timeouts + out_of_memory) AS errors
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function
)
SELECT function, tenant, errors, CAST(errors AS DOUBLE) / NULLIF(invocations, 0) AS error_rate, invocations
FROM summed
WHERE errors > 0
ORDER BY errors DESC, function, tenant
LIMIT 10
