-- What each month comes to that is rated, by currency, newest first.
-- column month: text, YYYY-MM
-- column currency: text, ISO 4217
-- column billed: decimal, what is invoiced
-- column period_end: timestamp, the month's end where it ends last
SELECT
    month, billing_currency AS currency,
    sum(billed_cost) AS billed,
    max(billing_period_end) AS period_end
FROM charges
GROUP BY month, billing_currency
ORDER BY month DESC, currency
LIMIT 1000
