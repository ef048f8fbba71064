-- The newest attempts, newest first.
-- param function: text = null; of one function only
-- param limit: int = 50; rows at most
-- column invocation_id: text, unique with source and attempt
-- column attempt: int, 1, 2, ... for retries of the same event
-- column tenant: text
-- column function: text
-- column version: text
-- column started_at: timestamp, when the call arrived
-- column outcome: text, ok, error, timeout, out_of_memory, throttled or platform_error
-- column error_type: text, null when none
-- column cold: boolean, first of its execution environment
-- column queue_ns: bigint, ns
-- column load_ns: bigint, ns
-- column compile_ns: bigint, ns
-- column instantiate_ns: bigint, ns
-- column init_ns: bigint, ns
-- column duration_ns: bigint, ns, the handler alone
-- column billed_ms: bigint, ms
-- column memory_mb: bigint, MB of 2^20 bytes, configured
-- column peak_memory_bytes: bigint, bytes
-- column http_status: int, null when there was no reply
-- column list_cost: decimal, exact, in currency; null where the book does not price an invocation
-- column currency: text, ISO 4217
-- column trace_id: text, hex
SELECT
    invocation_id, attempt, tenant, function, version, started_at, outcome, error_type, cold,
    queue_ns, load_ns, compile_ns, instantiate_ns, init_ns, duration_ns,
    billed_ms, memory_mb, peak_memory_bytes, http_status, list_cost, currency, trace_id
FROM invocations
WHERE $function IS NULL OR function = $function
ORDER BY started_at DESC, invocation_id, attempt
LIMIT $limit
