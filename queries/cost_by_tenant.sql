-- List cost of each tenant between two times, the dearest first; amounts of different currencies are never added.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- column tenant: text
-- column currency: text, ISO 4217
-- column invocations: bigint, attempts that ran
-- column billed_ms: bigint, ms
-- column list_cost: decimal, exact, in currency; null where no attempt is priced
SELECT
    tenant, currency,
    count(*) FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')) AS invocations,
    coalesce(sum(billed_ms) FILTER (WHERE outcome NOT IN ('throttled', 'platform_error')), 0) AS billed_ms,
    sum(list_cost) AS list_cost
FROM invocations
WHERE started_at >= $from AND started_at < $to
GROUP BY tenant, currency
ORDER BY list_cost DESC NULLS LAST, tenant, currency
