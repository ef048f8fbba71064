-- What list cost is made of, as the records give it: usage by architecture, and the part that init phases made.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds that from and to are whole multiples of: the rollup that fits is read
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column architecture: text
-- column invocations: bigint, attempts that ran (INV); a meter of their own
-- column billed_gb_s: decimal, exact; GiB-seconds, billed ms x configured MB / 1,024,000
-- column billed_ms: bigint, ms
-- column list_cost: decimal, exact, in currency
-- column init_cost: decimal, exact; what init phases added to list_cost
-- column handler_cost: decimal, exact; list_cost - init_cost: requests, handlers and storage
-- column streamed_bytes: bigint, bytes of replies beyond what is free
-- column egress_bytes: bigint, bytes sent to other hosts
-- column currency: text, ISO 4217
WITH summed AS (
    SELECT
        architecture, currency, sum(invocations) AS invocations, sum(billed_mb_ms) AS billed_mb_ms,
        sum(billed_ms) AS billed_ms, sum(list_cost) AS list_cost, sum(init_cost) AS init_cost,
        sum(streamed_bytes) AS streamed_bytes, sum(egress_bytes) AS egress_bytes
    FROM rollup
    WHERE bucket >= $from AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY architecture, currency
)
SELECT
    architecture, invocations,
    CAST(billed_mb_ms AS DECIMAL(24, 0)) * CAST(0.0000009765625 AS DECIMAL(13, 13)) AS billed_gb_s,
    billed_ms, list_cost, init_cost, list_cost - init_cost AS handler_cost, streamed_bytes, egress_bytes, currency
FROM summed
WHERE invocations > 0 OR list_cost > 0
ORDER BY currency, list_cost DESC NULLS LAST, architecture
