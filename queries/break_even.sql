-- What provisioned environments would have cost one function, replayed over the arrivals that it ran on demand: a row for each number of them, from none on; of more than a million arrivals the newest.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param function: text, required
-- param tenant: text = null; of one tenant only
-- column environments: bigint, that had stood ready the whole time
-- column is_best: boolean, the cheapest number; the fewest where several cost the same
-- column capacity_cost: decimal, exact, in currency; for standing ready
-- column ran_cost: decimal, exact; for what ran in them
-- column spilled_cost: decimal, exact; for what found them busy and ran on demand
-- column total_cost: decimal, exact; all three, at list prices
-- column currency: text, ISO 4217
-- column served: bigint, arrivals that ran in them
-- column cold_starts_saved: bigint, that would not have been
-- column busy_ns: bigint, ns of handlers in them
-- column arrivals: bigint, that were replayed
-- column cold_starts: bigint, among them
-- column memory_mb: bigint, MB of 2^20 bytes that an environment has: the newest arrival's
-- column region: text, the newest arrival's
-- column architecture: text, the newest arrival's: x86_64 or arm64
-- column price_book: text, id and edition, the newest arrival's
-- column priced_at: timestamp, when the newest arrived
-- column replayed_from: timestamp, start of what was replayed
-- column replayed_to: timestamp, its end
-- column reason: text, why there is but what was paid on demand; null where the replay was made
WITH replayed AS (
    SELECT
        break_even(
            started_at, duration_ns, memory_mb, ephemeral_storage_mb, list_cost, cold, price_book, region, architecture,
            $from, $to
        ) AS replay
    FROM invocations
    WHERE started_at >= $from AND started_at < $to
      AND function = $function AND ($tenant IS NULL OR tenant = $tenant)
      AND outcome NOT IN ('throttled', 'platform_error') AND (init_type IS NULL OR init_type <> 'provisioned')
      AND list_cost IS NOT NULL
),
options AS (SELECT replay, unnest(replay['options']) AS option FROM replayed)
SELECT
    option['environments'] AS environments, option['environments'] = replay['best'] AS is_best,
    option['capacity_cost'] AS capacity_cost, option['ran_cost'] AS ran_cost, option['spilled_cost'] AS spilled_cost,
    option['total_cost'] AS total_cost, replay['currency'] AS currency, option['served'] AS served,
    option['cold_starts_saved'] AS cold_starts_saved, option['busy_ns'] AS busy_ns, replay['arrivals'] AS arrivals,
    replay['cold_starts'] AS cold_starts, replay['memory_mb'] AS memory_mb, replay['region'] AS region,
    replay['architecture'] AS architecture, replay['price_book'] AS price_book, replay['priced_at'] AS priced_at,
    replay['from'] AS replayed_from, replay['to'] AS replayed_to, replay['reason'] AS reason
FROM options
ORDER BY environments
