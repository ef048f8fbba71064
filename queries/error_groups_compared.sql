-- Errors and faults of ours by outcome, type and message with its variable parts taken out, the most frequent first. They
-- are counted by whole hours: those of the first and last hour are counted whole.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- param limit: int = 100; groups at most
-- column outcome: text, error, timeout, out_of_memory or platform_error
-- column error_type: text, null when none
-- column message: text, with placeholders for numbers, ids and quoted text; null when none
-- column count: bigint, attempts
-- column functions: text, names
-- column versions: bigint, versions of functions
-- column first_seen: timestamp, the first of these hours
-- column last_seen: timestamp, the last
-- column list_cost: decimal, exact, in currency
-- column currency: text, ISO 4217
-- column sample_invocation_id: text, the last one
-- column fingerprint: text, of outcome, type and message; null for errors beyond those that are told apart
WITH groups AS (
    SELECT *
    FROM error_groups
    WHERE bucket >= date_trunc('hour', CAST($from AS TIMESTAMP)) AND bucket < $to
      AND last_seen >= $from AND first_seen < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
)
SELECT
    outcome, error_type, message, sum(count) AS count,
    string_agg(DISTINCT function, ', ' ORDER BY function) AS functions,
    count(DISTINCT tenant || '/' || function || '@' || version) AS versions,
    min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(list_cost) AS list_cost, currency,
    last_value(sample_invocation_id ORDER BY last_seen) AS sample_invocation_id,
    nullif(fingerprint, 'other') AS fingerprint
FROM groups
GROUP BY fingerprint, outcome, error_type, message, currency
ORDER BY count DESC, fingerprint, message, currency
LIMIT $limit
