-- Calls that were throttled and never succeeded: no attempt of the same id ended well within 15 minutes of the last refusal.
-- From raw rows; refusals of the last 15 minutes of a range may still be retried.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column function: text
-- column tenant: text
-- column calls: bigint, ids with a throttled attempt
-- column lost: bigint, of which none succeeded
-- column lost_share: double, lost / calls
-- column last_lost: timestamp, the last refusal of those; null when none
WITH refused AS (
    SELECT tenant, function, invocation_id, source, max(started_at) AS refused_at
    FROM invocations
    WHERE started_at >= $from AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND outcome = 'throttled'
    GROUP BY tenant, function, invocation_id, source
),
succeeded AS (
    SELECT invocation_id, source, started_at
    FROM invocations
    WHERE started_at >= $from AND started_at < CAST($to AS TIMESTAMP) + INTERVAL '15 minutes'
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND outcome = 'ok' AND attempt > 1
),
calls AS (
    SELECT
        refused.tenant, refused.function, refused.invocation_id, refused.source, refused.refused_at,
        count(succeeded.invocation_id) AS successes
    FROM refused
    LEFT JOIN succeeded ON succeeded.invocation_id = refused.invocation_id AND succeeded.source = refused.source
        AND succeeded.started_at <= refused.refused_at + INTERVAL '15 minutes'
    GROUP BY refused.tenant, refused.function, refused.invocation_id, refused.source, refused.refused_at
)
SELECT
    function, tenant, count(*) AS calls,
    count(*) FILTER (WHERE successes = 0) AS lost,
    CAST(count(*) FILTER (WHERE successes = 0) AS DOUBLE) / count(*) AS lost_share,
    max(refused_at) FILTER (WHERE successes = 0) AS last_lost
FROM calls
GROUP BY function, tenant
ORDER BY lost DESC, function, tenant
LIMIT 1000
