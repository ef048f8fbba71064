-- Cold starts by how long their function had been idle, to the minute. Of the cold starts of a minute the first follows the
-- last minute with a call, and the others came while calls ran: they count as under a minute. Calls before the range
-- are looked at for an hour.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column label: text, idle time
-- column cold: bigint, cold starts
WITH minutes AS (
    SELECT tenant, function, bucket, sum(cold) AS cold
    FROM rollup_minute
    WHERE bucket >= CAST($from AS TIMESTAMP) - INTERVAL '1 hour' AND bucket < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
    GROUP BY tenant, function, bucket
    HAVING sum(invocations) > 0
),
idle AS (
    SELECT
        bucket, cold,
        (to_unixtime(bucket) - to_unixtime(lag(bucket) OVER (PARTITION BY tenant, function ORDER BY bucket))) / 60 - 1
            AS idle_minutes
    FROM minutes
),
starts AS (
    SELECT
        CASE
            WHEN idle_minutes < 1 THEN 0
            WHEN idle_minutes < 5 THEN 1
            WHEN idle_minutes < 15 THEN 2
            WHEN idle_minutes < 60 THEN 3
            ELSE 4
        END AS place,
        1 AS cold
    FROM idle
    WHERE cold > 0 AND bucket >= $from
    UNION ALL
    SELECT 0, cold - 1 FROM idle WHERE cold > 1 AND bucket >= $from
)
SELECT
    CASE place
        WHEN 0 THEN 'under 1 min' WHEN 1 THEN '1 to 5 min' WHEN 2 THEN '5 to 15 min' WHEN 3 THEN '15 min to 1 h'
        ELSE 'over 1 h'
    END AS label,
    sum(cold) AS cold
FROM starts
GROUP BY place
ORDER BY place
