SELECT
    {bucket} AS bucket,
    tenant, function, version, region, account, source, architecture, memory_mb, tags, currency,
    CASE WHEN ran THEN 1 ELSE 0 END AS invocations,
    CASE WHEN outcome = 'error' THEN 1 ELSE 0 END AS errors,
    CASE WHEN outcome = 'timeout' THEN 1 ELSE 0 END AS timeouts,
    CASE WHEN outcome = 'out_of_memory' THEN 1 ELSE 0 END AS out_of_memory,
    CASE WHEN outcome = 'platform_error' THEN 1 ELSE 0 END AS platform_errors,
    CASE WHEN thrown AND throttle_reason = 'function-concurrency' THEN 1 ELSE 0 END AS throttled_function,
    CASE WHEN thrown AND throttle_reason = 'tenant-concurrency' THEN 1 ELSE 0 END AS throttled_tenant,
    CASE WHEN thrown AND throttle_reason = 'account-concurrency' THEN 1 ELSE 0 END AS throttled_account,
    CASE WHEN thrown AND throttle_reason = 'rate' THEN 1 ELSE 0 END AS throttled_rate,
    CASE WHEN thrown AND throttle_reason = 'budget' THEN 1 ELSE 0 END AS throttled_budget,
    CASE WHEN thrown THEN 1 ELSE 0 END AS throttled,
    CASE WHEN ran AND cold THEN 1 ELSE 0 END AS cold,
    CASE WHEN ran AND init_type = 'provisioned' THEN 1 ELSE 0 END AS provisioned,
    CASE WHEN ran AND attempt > 1 THEN 1 ELSE 0 END AS retries,
    CASE WHEN ran AND list_cost IS NULL THEN 1 ELSE 0 END AS unpriced,
    CASE WHEN ran THEN coalesce(billed_ms, 0) ELSE 0 END AS billed_ms,
    CASE WHEN ran AND billed_ms IS NOT NULL AND memory_mb IS NOT NULL
        THEN CAST(CAST(billed_ms AS DECIMAL(19, 0)) * CAST(memory_mb AS DECIMAL(19, 0)) AS DECIMAL(38, 0))
        ELSE CAST(0 AS DECIMAL(38, 0)) END AS billed_mb_ms,
    CASE WHEN ran THEN coalesce(cpu_ns, 0) ELSE 0 END AS cpu_ns,
    CASE WHEN ran THEN coalesce(queue_ns, 0) ELSE 0 END AS queue_ns,
    CASE WHEN ran THEN coalesce(duration_ns, 0) ELSE 0 END AS duration_ns,
    CASE WHEN ran THEN coalesce(init_ns, 0) ELSE 0 END AS init_ns,
    CASE WHEN ran THEN coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0) + coalesce(init_ns, 0)
        + coalesce(duration_ns, 0) ELSE 0 END AS busy_ns,
    CASE WHEN ran AND cold THEN coalesce(load_ns, 0) ELSE 0 END AS cold_load_ns,
    CASE WHEN ran AND cold THEN coalesce(compile_ns, 0) ELSE 0 END AS cold_compile_ns,
    CASE WHEN ran AND cold THEN coalesce(instantiate_ns, 0) ELSE 0 END AS cold_instantiate_ns,
    CASE WHEN ran AND cold THEN coalesce(init_ns, 0) ELSE 0 END AS cold_init_ns,
    coalesce(request_bytes, 0) AS request_bytes,
    coalesce(response_bytes, 0) AS response_bytes,
    coalesce(streamed_bytes, 0) AS streamed_bytes,
    coalesce(egress_bytes, 0) AS egress_bytes,
    peak_memory_bytes,
    {concurrency} AS concurrency,
    list_cost,
    CASE WHEN outcome IN ('error', 'timeout', 'out_of_memory') THEN list_cost ELSE CAST(0 AS DECIMAL(38, 23)) END AS error_cost,
    CASE WHEN attempt > 1 THEN list_cost ELSE CAST(0 AS DECIMAL(38, 23)) END AS retry_cost,
    {init_cost} AS init_cost,
    sketch_of_value(CASE WHEN ran THEN duration_ns END) AS duration_sketch,
    sketch_of_value(CASE WHEN ran AND cold THEN init_ns END) AS init_sketch,
    sketch_of_value(CASE WHEN ran AND cold AND duration_ns IS NOT NULL
        THEN coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
            + coalesce(init_ns, 0) + duration_ns END) AS cold_sketch
FROM (
    SELECT *, outcome NOT IN ('throttled', 'platform_error') AS ran, outcome = 'throttled' AS thrown
    FROM invocations
    {range}
) AS attempts
