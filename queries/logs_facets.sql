-- What the newest log records of a filter have in common: the most frequent values of some columns, and of attributes.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param source: text = null; from one source only
-- param environment_id: text = null; of one execution environment only
-- param invocation_id: text = null; of one invocation only
-- param trace_id: text = null; of one trace only
-- param span_id: text = null; of one span only
-- param levels: text = null; of these severities only, commas between them: 0 not said, 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal
-- param text: text = null; whose body holds this text, in capitals or not
-- param regex: text = null; whose body matches this regular expression
-- param attribute_key: text = null; with one attribute only, its own or of what made it
-- param attribute_value: text = null; the attribute's value
-- param rows: int = 50000; records that are counted at most, the newest
-- param most: int = 10; values of each
-- column facet: text, the column, or attribute, or all: how many were counted
-- column key: text, the attribute's name; empty for a column
-- column value: text, empty where there is none
-- column records: bigint
WITH found AS (
    SELECT
        CAST((severity_number + 3) / 4 AS VARCHAR) AS level, tenant, function, version, source, environment_id, attributes
    FROM logs
    WHERE time >= $from AND time < $to
      AND ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version)
      AND ($source IS NULL OR source = $source)
      AND ($environment_id IS NULL OR environment_id = $environment_id)
      AND ($invocation_id IS NULL OR invocation_id = $invocation_id)
      AND ($trace_id IS NULL OR trace_id = $trace_id)
      AND ($span_id IS NULL OR span_id = $span_id)
      AND ($levels IS NULL
           OR array_has(string_to_array($levels, ','), CAST((severity_number + 3) / 4 AS VARCHAR)))
      AND ($text IS NULL OR strpos(lower(body), lower($text)) > 0)
      AND ($regex IS NULL OR regexp_like(body, $regex))
      AND ($attribute_key IS NULL OR attributes[$attribute_key] = $attribute_value
           OR resource_attributes[$attribute_key] = $attribute_value)
    ORDER BY time DESC
    LIMIT $rows
), pairs AS (
    SELECT unnest(map_keys(attributes)) AS key, unnest(map_values(attributes)) AS value FROM found
), counted AS (
    SELECT 'severity' AS facet, '' AS key, level AS value, count(*) AS records FROM found GROUP BY level
    UNION ALL
    SELECT 'tenant', '', tenant, count(*) FROM found GROUP BY tenant
    UNION ALL
    SELECT 'function', '', function, count(*) FROM found GROUP BY function
    UNION ALL
    SELECT 'version', '', version, count(*) FROM found GROUP BY version
    UNION ALL
    SELECT 'source', '', source, count(*) FROM found GROUP BY source
    UNION ALL
    SELECT 'environment', '', environment_id, count(*) FROM found GROUP BY environment_id
    UNION ALL
    SELECT 'all', '', '', count(*) FROM found
    UNION ALL
    SELECT 'attribute', key, value, count(*) FROM pairs GROUP BY key, value
), placed AS (
    SELECT
        facet, key, value, records,
        row_number() OVER (PARTITION BY facet, key ORDER BY records DESC, value) AS place,
        sum(records) OVER (PARTITION BY facet, key) AS total
    FROM counted
), ranked AS (
    SELECT facet, key, value, records, place, dense_rank() OVER (PARTITION BY facet ORDER BY total DESC, key) AS key_place
    FROM placed
)
SELECT facet, key, coalesce(value, '') AS value, records
FROM ranked
WHERE place <= $most AND key_place <= $most
ORDER BY facet, key_place, records DESC, value
