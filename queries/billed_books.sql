-- What priced the records of a month: how many each edition of a price book, by currency, and their list cost.
-- param from: timestamp, required; start of the month, included
-- param to: timestamp, required; end of the month, not included
-- param until: timestamp, required; end of the same month in the zone that is last, not included
-- column price_book: text, id and edition; null where there is no list cost
-- column currency: text, ISO 4217; null where there is no list cost
-- column records: bigint, in the month
-- column billed: bigint, of these, what ran and did not fail by our fault
-- column list_cost: decimal, exact; of the month
-- column last_ingested_at: timestamp, when the last of all that were looked at came in
SELECT
    price_book, currency,
    count(*) FILTER (WHERE started_at < $to) AS records,
    count(*) FILTER (WHERE started_at < $to AND outcome NOT IN ('throttled', 'platform_error')) AS billed,
    sum(list_cost) FILTER (WHERE started_at < $to) AS list_cost,
    max(ingested_at) AS last_ingested_at
FROM invocations
WHERE started_at >= $from AND started_at < $until
GROUP BY price_book, currency
ORDER BY price_book, currency
