-- The lines of the bill of the UTC month in which the range ends, as far as it is rated.
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param region: text = null; of one region's prices only
-- param tag_key: text = null; of what has this tag only
-- param tag_value: text = null; and this value of it
-- column price_book: text, id and edition
-- column region: text, whose prices these are
-- column meter: text, the book's meter, the credit, or rounding
-- column tier: int, from 1
-- column quantity: decimal, what is paid for, in unit
-- column free_quantity: decimal, what was used beside it and is free
-- column unit: text
-- column unit_price: decimal, of one unit in this tier
-- column exact_cost: decimal, before it is rounded
-- column billed_cost: decimal, as invoiced
-- column currency: text, ISO 4217
SELECT
    x_price_book AS price_book, region_id AS region, sku_meter AS meter, x_tier AS tier,
    sum(pricing_quantity) AS quantity, sum(x_free_quantity) AS free_quantity, pricing_unit AS unit,
    contracted_unit_price AS unit_price, sum(contracted_cost) AS exact_cost, sum(billed_cost) AS billed_cost,
    billing_currency AS currency
FROM charges
WHERE month = to_char(CAST($to AS TIMESTAMP) - INTERVAL '1 microsecond', '%Y-%m')
  AND ($tenant IS NULL OR sub_account_id = $tenant) AND ($function IS NULL OR resource_id = $function)
  AND ($region IS NULL OR region_id = $region) AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
GROUP BY x_price_book, region_id, sku_meter, x_tier, pricing_unit, contracted_unit_price, billing_currency
ORDER BY x_price_book, region_id, sku_meter, x_tier
LIMIT 1000
