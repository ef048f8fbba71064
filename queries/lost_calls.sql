-- Calls that were throttled and never succeeded: no attempt of the same id ended well within so many minutes of the last refusal.
-- From raw rows; the last refusals of a range may still be retried.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- param retry_minutes: int = 15; a later attempt counts when it came so many minutes after the last refusal at most
-- param call_value: decimal = 0; what a call is worth
-- param call_currency: text = USD; in this currency
-- column function: text
-- column tenant: text
-- column calls: bigint, ids with a throttled attempt
-- column lost: bigint, of which none succeeded
-- column lost_share: double, lost / calls
-- column lost_value: decimal, lost times what a call is worth
-- column currency: text, of lost_value
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
    WHERE started_at >= $from AND started_at < CAST($to AS TIMESTAMP) + CAST($retry_minutes || ' minutes' AS INTERVAL)
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
        AND succeeded.started_at <= refused.refused_at + CAST($retry_minutes || ' minutes' AS INTERVAL)
    GROUP BY refused.tenant, refused.function, refused.invocation_id, refused.source, refused.refused_at
)
SELECT
    function, tenant, count(*) AS calls,
    count(*) FILTER (WHERE successes = 0) AS lost,
    CAST(count(*) FILTER (WHERE successes = 0) AS DOUBLE) / count(*) AS lost_share,
    CAST(count(*) FILTER (WHERE successes = 0) AS DECIMAL(15, 0)) * $call_value AS lost_value,
    $call_currency AS currency,
    max(refused_at) FILTER (WHERE successes = 0) AS last_lost
FROM calls
GROUP BY function, tenant
ORDER BY lost DESC, function, tenant
LIMIT 1000
