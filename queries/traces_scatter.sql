-- Points of what begins traces between two times: the slowest, and an even sample, which follows from the traces' ids. Where
-- only some entries are looked at, the rest of their columns is read of those alone.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param tenant: text = null; of one tenant only
-- param function: text = null; of one function only
-- param version: text = null; of one version only
-- param region: text = null; of one region only
-- param tag_key: text = null; invocations with one tag only
-- param tag_value: text = null; the tag's value
-- param outcomes: text = null; invocations with one of these outcomes only, commas between them
-- param status: text = null; spans that failed, did not, or none: failed, fine or none
-- param cold: bool = null; cold starts only, or invocations that are none
-- param min_duration_ns: int = null; that took as long or longer
-- param max_duration_ns: int = null; that took no longer
-- param attribute_key: text = null; spans with one attribute only, their own or of what made them
-- param attribute_value: text = null; the attribute's value
-- param every: int = 1; of so many entries one is looked at, an even sample by the microseconds in which they began
-- param slowest: int = 500; the slowest, at most
-- param sampled: int = 1500; of the sample, at most
-- column trace_id: text, hex
-- column started_at: timestamp
-- column function: text, or the service, or the span's name
-- column duration_ns: bigint, ns
-- column failed: boolean
WITH entries AS (
    SELECT
        trace_id, started_at, function,
        coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
            + coalesce(init_ns, 0) + duration_ns AS duration_ns,
        array_has(['error', 'timeout', 'out_of_memory', 'platform_error', 'throttled'], outcome) AS failed
    FROM invocations
    WHERE ($every = 1 OR CAST(started_at AS BIGINT) % 1000000007 * 2654435761 / 65536 % $every = 0)
      AND $attribute_key IS NULL AND trace_id IS NOT NULL AND started_at >= $from AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version)
      AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND ($outcomes IS NULL OR array_has(string_to_array($outcomes, ','), outcome))
      AND ($cold IS NULL OR cold = $cold)
    UNION ALL
    SELECT
        trace_id, started_at, coalesce(function, resource_attributes['service.name'], name),
        end_time_unix_nano - start_time_unix_nano, status_code = 2
    FROM spans
    WHERE ($every = 1 OR CAST(started_at AS BIGINT) % 1000000007 * 2654435761 / 65536 % $every = 0)
      AND started_at >= $from AND started_at < $to
      AND ($attribute_key IS NOT NULL OR parent_span_id IS NULL AND invocation_id IS NULL)
      AND ($attribute_key IS NULL OR attributes[$attribute_key] = $attribute_value
           OR resource_attributes[$attribute_key] = $attribute_value)
      AND $tag_key IS NULL AND $cold IS NULL
      AND ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR resource_attributes['faas.version'] = $version)
      AND ($region IS NULL OR resource_attributes['cloud.region'] = $region)
      AND ($status IS NULL OR $status = 'failed' AND status_code = 2 OR $status = 'fine' AND status_code <> 2)
), timed AS (
    SELECT trace_id, started_at, function, duration_ns, failed FROM entries
    WHERE duration_ns IS NOT NULL
      AND ($min_duration_ns IS NULL OR duration_ns >= $min_duration_ns)
      AND ($max_duration_ns IS NULL OR duration_ns <= $max_duration_ns)
)
SELECT DISTINCT trace_id, started_at, function, duration_ns, failed FROM (
    (SELECT trace_id, started_at, function, duration_ns, failed FROM timed
     ORDER BY duration_ns DESC, trace_id LIMIT $slowest)
    UNION ALL
    (SELECT trace_id, started_at, function, duration_ns, failed FROM timed
     ORDER BY right(trace_id, 8), trace_id, started_at LIMIT $sampled)
) AS points
ORDER BY started_at, trace_id, duration_ns
