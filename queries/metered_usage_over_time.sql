-- Usage of records that are alike by bucket of time, for what is used up in the order of time. Rounded as metered_usage says.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step_us: int, required; microseconds of a bucket, counted from 1970 UTC
-- param until: timestamp = null; only what came in until then (ingested_at)
-- param price_book: text = null; of records that this book priced only, by its id
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param as_stored: bool = true; billed time as it was recorded; else it is made of the phases by what follows
-- param bills_init: bool = false; whether init is billed like the handler
-- param granularity_ms: int = 1; billed time is a multiple of this
-- param minimum_ms: int = 0; billed time is at least this
-- param free_streamed_bytes: int = 0; of each record
-- column bucket: timestamp, start of the bucket
-- column region: text, null where it is not known
-- column architecture: text, null where it is not known
-- column provisioned: bool, in environments that were started ahead of calls
-- column memory_mb: bigint, null where it is not known
-- column ephemeral_storage_mb: bigint, null where it is not known
-- column requests: bigint
-- column billed_ms: decimal, ms
-- column cpu_ns: decimal, ns
-- column streamed_bytes: decimal, bytes above what is free of each record
WITH rounded AS (
    SELECT
        date_bin(CAST($step_us || ' microseconds' AS INTERVAL), started_at) AS bucket,
        region, architecture, coalesce(init_type = 'provisioned', false) AS provisioned, memory_mb,
        ephemeral_storage_mb, cpu_ns,
        greatest(coalesce(streamed_bytes, 0) - $free_streamed_bytes, 0) AS streamed_bytes,
        CASE
            WHEN $as_stored OR duration_ns IS NULL THEN billed_ms
            ELSE greatest(
                (duration_ns + CASE WHEN $bills_init THEN coalesce(init_ns, 0) ELSE 0 END + $granularity_ms * 1000000 - 1)
                    / ($granularity_ms * 1000000) * $granularity_ms,
                $minimum_ms
            )
        END AS billed_ms
    FROM invocations
    WHERE started_at >= $from AND started_at < $to AND outcome NOT IN ('throttled', 'platform_error')
      AND ($until IS NULL OR ingested_at <= $until)
      AND ($price_book IS NULL OR (price_book >= $price_book || '@' AND price_book < $price_book || 'A'))
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
)
SELECT
    bucket, region, architecture, provisioned, memory_mb, ephemeral_storage_mb,
    count(*) AS requests,
    sum(CAST(billed_ms AS DECIMAL(20, 0))) AS billed_ms,
    sum(CAST(cpu_ns AS DECIMAL(20, 0))) AS cpu_ns,
    sum(CAST(streamed_bytes AS DECIMAL(20, 0))) AS streamed_bytes
FROM rounded
GROUP BY bucket, region, architecture, provisioned, memory_mb, ephemeral_storage_mb
