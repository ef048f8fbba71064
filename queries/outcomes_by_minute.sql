-- Attempts by minute and outcome between two times; a minute or outcome without attempts has no row.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param function: text = null; of one function only
-- column minute: timestamp, start of the minute, UTC
-- column outcome: text
-- column attempts: bigint
SELECT date_bin(INTERVAL '1 minute', started_at) AS minute, outcome, count(*) AS attempts
FROM invocations
WHERE started_at >= $from AND started_at < $to AND ($function IS NULL OR function = $function)
GROUP BY 1, 2
ORDER BY minute, outcome
