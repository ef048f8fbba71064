-- The invocations of one trace in order of their start.
-- param trace_id: text, required; 32 lower-case hex digits
-- param limit: int = 20000; invocations at most
-- column invocation_id: text, unique with source and attempt
-- column attempt: int, 1, 2, ... for retries of the same event
-- column span_id: text, hex; null where it is not known
-- column tenant: text
-- column function: text
-- column version: text, null where it is not known
-- column started_at: timestamp, when the call arrived
-- column felt_ns: bigint, ns, all phases together
-- column outcome: text, ok, error, timeout, out_of_memory, throttled or platform_error
-- column error_message: text, null when none
-- column fingerprint: text, the group of errors that it is of; null where it is no error
-- column cold: boolean, first of its execution environment; null where it is not known
-- column list_cost: decimal, exact, in currency; null where it is not priced
-- column currency: text, ISO 4217
SELECT
    invocation_id, attempt, span_id, tenant, function, version, started_at,
    coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
        + coalesce(init_ns, 0) + coalesce(duration_ns, 0) AS felt_ns,
    outcome, error_message,
    CASE WHEN outcome NOT IN ('ok', 'throttled') THEN error_fingerprint(outcome, error_type, error_message) END AS fingerprint,
    cold, list_cost, currency
FROM invocations
WHERE trace_id = $trace_id
ORDER BY started_at, invocation_id, attempt
LIMIT $limit
