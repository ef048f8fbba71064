SELECT
    {bucket} AS bucket,
    tenant, function, version, region, tags, outcome, error_type,
    error_fingerprint(outcome, error_type, error_message) AS fingerprint,
    error_shape(error_message) AS message,
    currency,
    1 AS count,
    list_cost,
    started_at AS first_seen,
    started_at AS last_seen,
    invocation_id AS sample_invocation_id,
    trace_id AS sample_trace_id
FROM invocations
WHERE outcome IN ('error', 'timeout', 'out_of_memory', 'platform_error')
