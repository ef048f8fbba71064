-- Functions whose active version has provisioned concurrency, and how much of their calls it took.
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
-- column provisioned_concurrency: bigint, environments that are kept ready
-- column concurrency: bigint, the most calls that ran at once; null where it is not known
-- column invocations: bigint, attempts that ran (INV)
-- column provisioned: bigint, INV in provisioned environments
-- column spill_over: bigint, other INV: all provisioned environments were busy
-- column provisioned_share: double, provisioned / INV; null when INV is 0
WITH equipped AS (
    SELECT tenant, function, max(provisioned_concurrency) AS provisioned_concurrency
    FROM deployments
    WHERE is_active AND provisioned_concurrency > 0
    GROUP BY tenant, function
),
counted AS (
    SELECT
        tenant, function, sum(invocations) AS invocations, sum(provisioned) AS provisioned,
        max(concurrency) AS concurrency
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function
)
SELECT
    counted.function, counted.tenant, equipped.provisioned_concurrency, counted.concurrency, counted.invocations,
    counted.provisioned, counted.invocations - counted.provisioned AS spill_over,
    CAST(counted.provisioned AS DOUBLE) / NULLIF(counted.invocations, 0) AS provisioned_share
FROM counted
JOIN equipped ON equipped.tenant = counted.tenant AND equipped.function = counted.function
ORDER BY spill_over DESC, counted.function, counted.tenant
