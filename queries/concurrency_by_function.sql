-- The most calls that ran at once, of each function, against its limit: what it reserves in its active version, or else
-- the account's.
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
-- column concurrency: bigint, the highest; null where it is not known
-- column concurrency_limit: bigint, calls at once; null without a limit
-- column used_share: double, concurrency / concurrency_limit
-- column reserved_concurrency: bigint, what the function reserves; null when nothing
-- column throttled_function: bigint, throttled by the function's reserved concurrency
-- column throttled_account: bigint, throttled by the account's concurrency
WITH reached AS (
    SELECT
        tenant, function, max(concurrency) AS concurrency, sum(throttled_function) AS throttled_function,
        sum(throttled_account) AS throttled_account
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function
),
reserved AS (
    SELECT tenant, function, max(reserved_concurrency) AS concurrency
    FROM deployments
    WHERE is_active
    GROUP BY tenant, function
),
allowed AS (
    SELECT
        reached.*, reserved.concurrency AS reserved_concurrency,
        coalesce(reserved.concurrency, limits.account_concurrency) AS concurrency_limit
    FROM reached
    LEFT JOIN reserved ON reserved.tenant = reached.tenant AND reserved.function = reached.function
    CROSS JOIN limits
)
SELECT
    function, tenant, concurrency, concurrency_limit,
    CAST(concurrency AS DOUBLE) / NULLIF(concurrency_limit, 0) AS used_share,
    reserved_concurrency, throttled_function, throttled_account
FROM allowed
ORDER BY used_share DESC NULLS LAST, concurrency DESC NULLS LAST, function, tenant
LIMIT 1000
