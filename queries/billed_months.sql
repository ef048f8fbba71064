-- Months of which records came in after a time, in UTC and in the zone that is last of all price books' (eight hours behind).
-- param after: timestamp, required; only what came in later (ingested_at)
-- column month: timestamp, the month's start
-- column western_month: timestamp, the same where months begin eight hours later
-- column last_ingested_at: timestamp, when the last of them came in
SELECT
    date_trunc('month', started_at) AS month,
    date_trunc('month', started_at - INTERVAL '8 hours') AS western_month,
    max(ingested_at) AS last_ingested_at
FROM invocations
WHERE ingested_at > $after
GROUP BY 1, 2
ORDER BY 1, 2
