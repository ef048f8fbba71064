-- Invocations of the last hour of a range that have no span or no log record, from raw rows.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column invocations: bigint, attempts that ran and were billed
-- column without_trace: bigint, of which there is no span
-- column without_log: bigint, of which there is no log record
-- column trace_loss: double, without_trace / invocations; null when nothing ran
-- column log_loss: double, without_log / invocations; null when nothing ran
-- column note: text, both counts in words
WITH ran AS (
    SELECT invocation_id
    FROM invocations
    WHERE started_at >= greatest($from, CAST($to AS TIMESTAMP) - INTERVAL '1 hour') AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND outcome NOT IN ('throttled', 'platform_error')
),
traced AS (
    SELECT DISTINCT invocation_id
    FROM spans
    WHERE started_at >= greatest($from, CAST($to AS TIMESTAMP) - INTERVAL '1 hour')
      AND started_at < CAST($to AS TIMESTAMP) + INTERVAL '15 minutes'
),
logged AS (
    SELECT DISTINCT invocation_id
    FROM logs
    WHERE time >= greatest($from, CAST($to AS TIMESTAMP) - INTERVAL '1 hour')
      AND time < CAST($to AS TIMESTAMP) + INTERVAL '15 minutes'
),
counted AS (
    SELECT
        count(*) AS invocations,
        count(*) FILTER (WHERE traced.invocation_id IS NULL) AS without_trace,
        count(*) FILTER (WHERE logged.invocation_id IS NULL) AS without_log
    FROM ran
    LEFT JOIN traced ON traced.invocation_id = ran.invocation_id
    LEFT JOIN logged ON logged.invocation_id = ran.invocation_id
)
SELECT
    invocations, without_trace, without_log,
    CAST(without_trace AS DOUBLE) / NULLIF(invocations, 0) AS trace_loss,
    CAST(without_log AS DOUBLE) / NULLIF(invocations, 0) AS log_loss,
    without_trace || ' without trace, ' || without_log || ' without log of ' || invocations AS note
FROM counted
