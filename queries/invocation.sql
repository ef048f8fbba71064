-- All attempts of one invocation, in order.
-- param invocation_id: text, required
-- column invocation_id: text, unique with source and attempt
-- column attempt: int, 1, 2, ... for retries of the same event
-- column source: text, executor, aws-lambda, otlp, ...
-- column tenant: text
-- column function: text
-- column version: text
-- column region: text
-- column architecture: text, x86_64 or arm64
-- column runtime: text
-- column trigger: text, http, pubsub, datasource, timer or other
-- column tags: map, cost allocation
-- column started_at: timestamp, when the call arrived
-- column account: text, the billing account
-- column environment_id: text, the execution environment; null when none ran it
-- column init_type: text, on-demand, provisioned or snap-start
-- column ephemeral_storage_mb: bigint, MB of 2^20 bytes
-- column streamed_bytes: bigint, bytes
-- column outcome: text, ok, error, timeout, out_of_memory, throttled or platform_error
-- column error_type: text, null when none
-- column error_message: text, null when none
-- column fingerprint: text, of outcome, error_type and the message's shape: the group of errors; null where it is no error
-- column throttle_reason: text, null when none
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
-- column cpu_ns: bigint, ns, of the handler
-- column fuel: bigint, instructions of the handler; null where they are not counted
-- column egress_bytes: bigint, bytes sent to other hosts; null where that is not known
-- column request_bytes: bigint, bytes
-- column response_bytes: bigint, bytes
-- column http_status: int, null when there was no reply
-- column concurrency: int, calls of the function that ran when it was admitted or turned away; null where that is not known
-- column price_book: text, id and version
-- column list_cost: decimal, exact, in currency; null where the book does not price an invocation
-- column init_cost: decimal, exact, in currency; the part that a cold start's init made; null where it is not known
-- column currency: text, ISO 4217
-- column trace_id: text, hex
-- column span_id: text, hex
SELECT
    invocation_id, attempt, source, tenant, function, version, region, architecture, runtime, trigger, tags,
    started_at, account, environment_id, init_type, ephemeral_storage_mb, streamed_bytes,
    outcome, error_type, error_message,
    CASE WHEN outcome NOT IN ('ok', 'throttled') THEN error_fingerprint(outcome, error_type, error_message) END AS fingerprint,
    throttle_reason, cold,
    queue_ns, load_ns, compile_ns, instantiate_ns, init_ns, duration_ns, billed_ms, memory_mb, peak_memory_bytes,
    cpu_ns, fuel, egress_bytes, request_bytes, response_bytes, http_status, concurrency, price_book, list_cost,
    init_cost, currency, trace_id, span_id
FROM invocations
WHERE invocation_id = $invocation_id
ORDER BY attempt, started_at, source
