-- The tier that each meter has reached in the UTC month in which the range ends, what the next unit costs, and what is left
-- below the next tier. Of the whole account: tiers are shared by all functions.
-- param to: timestamp, required; end, not included
-- column price_book: text, id and edition
-- column region: text, whose prices these are
-- column meter: text
-- column used: decimal, what is paid for, in unit
-- column unit: text
-- column tier: int, from 1
-- column tiers: bigint, how many there are
-- column unit_price: decimal, what the next unit costs
-- column left: decimal, until the next tier; null in the last
-- column tier_share: double, how much of the tier is used, for display; null in the last
WITH used AS (
    SELECT x_price_book AS price_book, region_id AS region, sku_meter AS meter, sum(pricing_quantity) AS used
    FROM charges
    WHERE month = to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m') AND charge_category = 'Usage'
    GROUP BY x_price_book, region_id, sku_meter
),
-- A region without prices of its own has those of the book's.
priced AS (
    SELECT used.price_book, used.region, used.meter, used.used, coalesce(own.region, home.region) AS priced_in
    FROM used
    LEFT JOIN (SELECT DISTINCT price_book, region, meter FROM price_tiers) AS own
        ON own.price_book = used.price_book AND own.region = used.region AND own.meter = used.meter
    LEFT JOIN (SELECT DISTINCT price_book, region, meter FROM price_tiers WHERE is_default) AS home
        ON home.price_book = used.price_book AND home.meter = used.meter
),
counted AS (
    SELECT price_book, region, meter, count(*) AS tiers FROM price_tiers GROUP BY price_book, region, meter
)
SELECT
    priced.price_book, priced.region, priced.meter, priced.used, listed.unit, listed.tier, counted.tiers,
    listed.unit_price, listed.up_to - priced.used AS left,
    CAST(priced.used - listed.above AS DOUBLE) / NULLIF(CAST(listed.up_to - listed.above AS DOUBLE), 0) AS tier_share
FROM priced
JOIN price_tiers AS listed
    ON listed.price_book = priced.price_book AND listed.region = priced.priced_in AND listed.meter = priced.meter
    AND priced.used >= listed.above AND (listed.up_to IS NULL OR priced.used < listed.up_to)
JOIN counted
    ON counted.price_book = listed.price_book AND counted.region = listed.region AND counted.meter = listed.meter
ORDER BY priced.price_book, priced.region, priced.meter
LIMIT 1000
