-- Log records between two times by many filters, counted by severity over time.
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
-- param step: int, required; seconds of a bucket
-- column bucket: timestamp, the start of the bucket
-- column level: int, 0 not said, 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal
-- column records: bigint
SELECT
    date_bin(CAST($step || ' seconds' AS INTERVAL), time) AS bucket,
    CAST((severity_number + 3) / 4 AS INT) AS level,
    count(*) AS records
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
GROUP BY bucket, level
ORDER BY bucket, level
