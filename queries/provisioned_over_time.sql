-- Invocations by what kind of environment ran them, by bucket of time, of functions whose active version has provisioned
-- concurrency.
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
-- column provisioned: bigint, INV in provisioned environments
-- column spill_over: bigint, other INV: all provisioned environments were busy
-- column provisioned_share: double, provisioned / INV; null when INV is 0
WITH equipped AS (
    SELECT DISTINCT tenant, function FROM deployments WHERE is_active AND provisioned_concurrency > 0
),
counted AS (
    SELECT
        date_bin(CAST($step || ' seconds' AS INTERVAL), bucket) AS bucket, tenant, function,
        sum(provisioned) AS provisioned, sum(invocations) AS invocations
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY 1, 2, 3
)
SELECT
    bucket, sum(provisioned) AS provisioned, sum(invocations) - sum(provisioned) AS spill_over,
    CAST(sum(provisioned) AS DOUBLE) / NULLIF(sum(invocations), 0) AS provisioned_share
FROM counted
JOIN equipped ON equipped.tenant = counted.tenant AND equipped.function = counted.function
GROUP BY bucket
ORDER BY bucket
