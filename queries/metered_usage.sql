-- Usage of records that are alike, as bills are made of: each record is rounded by a book's rules for one invocation, then
-- all are summed. What did not run or failed by our fault is left out.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param until: timestamp = null; only what came in until then (ingested_at)
-- param price_book: text = null; of records that this book priced only, by its id
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param as_stored: bool = true; billed time as it was recorded; else it is made of the phases by what follows
-- param bills_init: bool = false; whether init is billed like the handler
-- param granularity_ms: int = 1; billed time is a multiple of this
-- param minimum_ms: int = 0; billed time is at least this
-- param free_streamed_bytes: int = 0; of each record
-- param first_event_bytes: int = null; what is larger is counted as a large event
-- column region: text, null where it is not known
-- column architecture: text, null where it is not known
-- column provisioned: bool, in environments that were started ahead of calls
-- column memory_mb: bigint, null where it is not known
-- column ephemeral_storage_mb: bigint, null where it is not known
-- column tenant: text
-- column function: text
-- column tags: map
-- column requests: bigint
-- column billed_ms: decimal, ms
-- column cpu_ns: decimal, ns
-- column streamed_bytes: decimal, bytes above what is free of each record
-- column list_cost: decimal, exact
-- column snap_starts: bigint, records of environments that were restored from a snapshot
-- column large_events: bigint, records whose request is larger than first_event_bytes
WITH rounded AS (
    SELECT
        region, architecture, coalesce(init_type = 'provisioned', false) AS provisioned, memory_mb,
        ephemeral_storage_mb, tenant, function, tags, list_cost, cpu_ns,
        coalesce(init_type = 'snap-start', false) AS snap_start,
        coalesce(request_bytes > $first_event_bytes, false) AS large_event,
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
    region, architecture, provisioned, memory_mb, ephemeral_storage_mb, tenant, function, tags,
    count(*) AS requests,
    sum(CAST(billed_ms AS DECIMAL(20, 0))) AS billed_ms,
    sum(CAST(cpu_ns AS DECIMAL(20, 0))) AS cpu_ns,
    sum(CAST(streamed_bytes AS DECIMAL(20, 0))) AS streamed_bytes,
    sum(list_cost) AS list_cost,
    count(*) FILTER (WHERE snap_start) AS snap_starts,
    count(*) FILTER (WHERE large_event) AS large_events
FROM rounded
GROUP BY region, architecture, provisioned, memory_mb, ephemeral_storage_mb, tenant, function, tags
