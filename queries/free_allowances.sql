-- What is left of each free allowance in the UTC month in which the range ends. Of the whole account: allowances are shared by
-- all functions.
-- param to: timestamp, required; end, not included
-- column price_book: text, id and edition
-- column allowance: text
-- column unit: text, what it counts; the currency of a credit
-- column quantity: decimal, what is free in the month
-- column used: decimal, what was taken off
-- column left: decimal
-- column used_share: double, for display
WITH month AS (
    SELECT x_price_book AS price_book, sku_meter AS meter, charge_category, x_free_quantity, contracted_cost
    FROM charges
    WHERE month = to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m')
),
taken AS (
    SELECT price_book, meter, sum(x_free_quantity) AS used FROM month WHERE charge_category = 'Usage'
    GROUP BY price_book, meter
),
credited AS (
    SELECT price_book, meter, -sum(contracted_cost) AS used FROM month WHERE charge_category = 'Credit'
    GROUP BY price_book, meter
),
shared AS (
    SELECT price_book, allowance, unit, quantity, is_credit, unnest(meters) AS meter FROM price_allowances
    WHERE price_book IN (SELECT price_book FROM month)
),
quantities AS (
    SELECT shared.price_book, allowance, unit, quantity, coalesce(sum(taken.used), 0) AS used
    FROM shared
    LEFT JOIN taken ON taken.price_book = shared.price_book AND taken.meter = shared.meter
    WHERE NOT is_credit
    GROUP BY shared.price_book, allowance, unit, quantity
),
credits AS (
    SELECT given.price_book, allowance, unit, quantity, coalesce(credited.used, 0) AS used
    FROM price_allowances AS given
    LEFT JOIN credited ON credited.price_book = given.price_book AND credited.meter = given.allowance
    WHERE is_credit AND given.price_book IN (SELECT price_book FROM month)
)
SELECT
    price_book, allowance, unit, quantity, used, quantity - used AS left,
    CAST(used AS DOUBLE) / NULLIF(CAST(quantity AS DOUBLE), 0) AS used_share
FROM (SELECT * FROM quantities UNION ALL SELECT * FROM credits) AS all_of_them
ORDER BY price_book, used_share DESC NULLS LAST, allowance
LIMIT 1000
