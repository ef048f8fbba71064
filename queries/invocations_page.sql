-- Attempts between two times by many filters, newest first: a page of the list of invocations.
-- For the next page give the last row's started_at and key as before and before_key.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of one tag only
-- param tag_value: text = null; the tag's value
-- param outcomes: text = null; with one of these outcomes only, commas between them
-- param cold: bool = null; cold starts only, or all others
-- param min_duration_ns: int = null; whose handler took as long or longer
-- param throttle_reason: text = null; turned away by one limit only
-- param error: text = null; whose error's type or message holds this text, in capitals or not
-- param fingerprint: text = null; errors of one group only, whose outcome, type and message's shape are the same
-- param before: timestamp = null; the page after the row that began then
-- param before_key: text = null; that row's key
-- param limit: int = 50; rows at most
-- column invocation_id: text, unique with source and attempt
-- column attempt: int, 1, 2, ... for retries of the same event
-- column key: text, id, attempt and source
-- column tenant: text
-- column function: text
-- column version: text
-- column started_at: timestamp, when the call arrived
-- column outcome: text, ok, error, timeout, out_of_memory, throttled or platform_error
-- column error_type: text, null when none
-- column throttle_reason: text, null when none
-- column cold: boolean, first of its execution environment
-- column queue_ns: bigint, ns
-- column load_ns: bigint, ns
-- column compile_ns: bigint, ns
-- column instantiate_ns: bigint, ns
-- column init_ns: bigint, ns
-- column duration_ns: bigint, ns, the handler alone
-- column billed_ms: bigint, ms
-- column memory_mb: bigint, MB of 2^20 bytes
-- column peak_memory_bytes: bigint, bytes
-- column http_status: int, null when there was no reply
-- column list_cost: decimal, exact, in currency; null where the book does not price an invocation
-- column currency: text, ISO 4217
SELECT
    invocation_id, attempt, concat(invocation_id, '/', attempt, '/', source) AS key, tenant, function, version,
    started_at, outcome, error_type, throttle_reason, cold,
    queue_ns, load_ns, compile_ns, instantiate_ns, init_ns, duration_ns,
    billed_ms, memory_mb, peak_memory_bytes, http_status, list_cost, currency
FROM invocations
WHERE started_at >= $from AND started_at < $to
  AND ($tenant IS NULL OR tenant = $tenant)
  AND ($function IS NULL OR function = $function)
  AND ($version IS NULL OR version = $version)
  AND ($region IS NULL OR region = $region)
  AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
  AND ($outcomes IS NULL OR array_has(string_to_array($outcomes, ','), outcome))
  AND ($cold IS NULL OR cold = $cold)
  AND ($min_duration_ns IS NULL OR duration_ns >= $min_duration_ns)
  AND ($throttle_reason IS NULL OR throttle_reason = $throttle_reason)
  AND ($error IS NULL OR strpos(lower(concat(error_type, ' ', error_message)), lower($error)) > 0)
  AND ($fingerprint IS NULL OR error_fingerprint(outcome, error_type, error_message) = $fingerprint)
  AND ($before IS NULL OR started_at < $before
       OR started_at = $before AND concat(invocation_id, '/', attempt, '/', source) < $before_key)
ORDER BY started_at DESC, key DESC
LIMIT $limit
