-- The attempts of one function that ran on demand, newest first: what provisioned environments are replayed over.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param function: text, required
-- param tenant: text = null; of one tenant only
-- param limit: int = 1000000; rows at most
-- column started_at: timestamp, when the call arrived
-- column duration_ns: bigint, ns, the handler alone
-- column memory_mb: bigint, MB of 2^20 bytes, configured
-- column ephemeral_storage_mb: bigint, MB of 2^20 bytes; 512 where it is not known
-- column list_cost: decimal, exact, in currency
-- column cold: boolean, false where it is not known
-- column price_book: text, id and edition
-- column region: text
-- column architecture: text, x86_64 or arm64
SELECT
    started_at, duration_ns, CAST(memory_mb AS BIGINT) AS memory_mb,
    CAST(coalesce(ephemeral_storage_mb, 512) AS BIGINT) AS ephemeral_storage_mb, list_cost,
    coalesce(cold, false) AS cold, price_book, region, architecture
FROM invocations
WHERE started_at >= $from AND started_at < $to
  AND function = $function AND ($tenant IS NULL OR tenant = $tenant)
  AND outcome NOT IN ('throttled', 'platform_error') AND (init_type IS NULL OR init_type <> 'provisioned')
  AND list_cost IS NOT NULL AND duration_ns IS NOT NULL AND memory_mb IS NOT NULL
ORDER BY started_at DESC, invocation_id DESC, attempt DESC
LIMIT $limit
