-- The number of provisioned environments that would have been the cheapest for each function, replayed over the arrivals that it ran on demand, beside what was paid; the largest saving first.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- param limit: int = 50; rows at most
-- column function: text
-- column environments: bigint, the cheapest number, zero where on demand was
-- column on_demand_cost: decimal, exact, in currency; what was paid, at list prices
-- column provisioned_cost: decimal, exact; with that number of environments
-- column saved_cost: decimal, exact; the former less the latter
-- column currency: text, ISO 4217
-- column arrivals: bigint, that were replayed
-- column cold_starts: bigint, among them
-- column cold_starts_saved: bigint, that would not have been
-- column reason: text, why nothing was replayed; null where it was
WITH replayed AS (
    SELECT
        function,
        break_even(
            started_at, duration_ns, memory_mb, ephemeral_storage_mb, list_cost, cold, price_book, region, architecture,
            $from, $to
        ) AS replay
    FROM invocations
    WHERE started_at >= $from AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant) AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version) AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND outcome NOT IN ('throttled', 'platform_error') AND (init_type IS NULL OR init_type <> 'provisioned')
      AND list_cost IS NOT NULL
    GROUP BY function
),
best AS (
    SELECT
        function, replay, array_element(replay['options'], 1) AS paid,
        array_element(replay['options'], replay['best'] + 1) AS option
    FROM replayed
    WHERE replay IS NOT NULL
)
SELECT
    function, replay['best'] AS environments, paid['total_cost'] AS on_demand_cost,
    option['total_cost'] AS provisioned_cost, paid['total_cost'] - option['total_cost'] AS saved_cost,
    replay['currency'] AS currency, replay['arrivals'] AS arrivals, replay['cold_starts'] AS cold_starts,
    option['cold_starts_saved'] AS cold_starts_saved, replay['reason'] AS reason
FROM best
ORDER BY saved_cost DESC, on_demand_cost DESC, function
LIMIT $limit
