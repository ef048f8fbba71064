-- Throttling, concurrency and provisioned environments of a range in one row, for tiles.
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
-- column throttled: bigint, throttled (THR)
-- column throttle_rate: double, THR / (INV + THR); null when both are 0
-- column concurrency: bigint, the most calls of one function that ran at once; null where it is not known
-- column busiest_function: text, the function with the most
-- column account_concurrency: bigint, calls at once that the account may have; null without a limit
-- column account_share: double, concurrency / account_concurrency
-- column provisioned: bigint, INV in provisioned environments
-- column provisioned_share: double, provisioned / INV; null when INV is 0
WITH by_function AS (
    SELECT
        function, sum(invocations) AS invocations, sum(throttled) AS throttled, sum(provisioned) AS provisioned,
        max(concurrency) AS concurrency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY function
),
summed AS (
    SELECT
        coalesce(sum(invocations), 0) AS invocations, coalesce(sum(throttled), 0) AS throttled,
        coalesce(sum(provisioned), 0) AS provisioned, max(concurrency) AS concurrency,
        first_value(function ORDER BY concurrency DESC, function) FILTER (WHERE concurrency IS NOT NULL)
            AS busiest_function
    FROM by_function
)
SELECT
    invocations, throttled,
    CAST(throttled AS DOUBLE) / NULLIF(invocations + throttled, 0) AS throttle_rate,
    concurrency, busiest_function, limits.account_concurrency,
    CAST(concurrency AS DOUBLE) / NULLIF(limits.account_concurrency, 0) AS account_share,
    provisioned,
    CAST(provisioned AS DOUBLE) / NULLIF(invocations, 0) AS provisioned_share
FROM summed
CROSS JOIN limits
