-- What begins traces between two times, newest first: invocations, and spans without a parent that belong to none; or,
-- with an attribute, the spans that have it. A trace may have several. For the next page give the last row's started_at,
-- trace_id and span_id as before, before_trace and before_span.
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
-- param trace_ids: text = null; of these traces only, commas between them
-- param before: timestamp = null; the page after the row that began then
-- param before_trace: text = null; that row's trace
-- param before_span: text = null; that row's span
-- param limit: int = 200; rows at most
-- column trace_id: text, hex
-- column span_id: text, hex; empty where the invocation has none
-- column started_at: timestamp
-- column duration_ns: bigint, ns, of the invocation with all of its phases, or of the span; null where that is not known
SELECT trace_id, span_id, started_at, duration_ns
FROM (
    (SELECT
        trace_id, coalesce(span_id, '') AS span_id, started_at,
        coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0) + coalesce(instantiate_ns, 0)
            + coalesce(init_ns, 0) + duration_ns AS duration_ns
    FROM invocations
    WHERE $attribute_key IS NULL AND trace_id IS NOT NULL AND started_at >= $from AND started_at < $to
      AND ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR version = $version)
      AND ($region IS NULL OR region = $region)
      AND ($tag_key IS NULL OR tags[$tag_key] = $tag_value)
      AND ($outcomes IS NULL OR array_has(string_to_array($outcomes, ','), outcome))
      AND ($cold IS NULL OR cold = $cold)
      AND ($min_duration_ns IS NULL OR coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0)
           + coalesce(instantiate_ns, 0) + coalesce(init_ns, 0) + duration_ns >= $min_duration_ns)
      AND ($max_duration_ns IS NULL OR coalesce(queue_ns, 0) + coalesce(load_ns, 0) + coalesce(compile_ns, 0)
           + coalesce(instantiate_ns, 0) + coalesce(init_ns, 0) + duration_ns <= $max_duration_ns)
      AND ($trace_ids IS NULL OR array_has(string_to_array($trace_ids, ','), trace_id))
      AND ($before IS NULL OR started_at < $before OR started_at = $before AND (trace_id < $before_trace
           OR trace_id = $before_trace AND coalesce(span_id, '') < $before_span))
    ORDER BY started_at DESC, trace_id DESC, coalesce(span_id, '') DESC
    LIMIT $limit)
    UNION ALL
    (SELECT trace_id, span_id, started_at, end_time_unix_nano - start_time_unix_nano
    FROM spans
    WHERE started_at >= $from AND started_at < $to
      AND ($attribute_key IS NOT NULL OR parent_span_id IS NULL AND invocation_id IS NULL)
      AND ($attribute_key IS NULL OR attributes[$attribute_key] = $attribute_value
           OR resource_attributes[$attribute_key] = $attribute_value)
      AND $tag_key IS NULL AND $cold IS NULL
      AND ($tenant IS NULL OR tenant = $tenant)
      AND ($function IS NULL OR function = $function)
      AND ($version IS NULL OR resource_attributes['faas.version'] = $version)
      AND ($region IS NULL OR resource_attributes['cloud.region'] = $region)
      AND ($status IS NULL OR $status = 'failed' AND status_code = 2 OR $status = 'fine' AND status_code <> 2)
      AND ($min_duration_ns IS NULL OR end_time_unix_nano - start_time_unix_nano >= $min_duration_ns)
      AND ($max_duration_ns IS NULL OR end_time_unix_nano - start_time_unix_nano <= $max_duration_ns)
      AND ($trace_ids IS NULL OR array_has(string_to_array($trace_ids, ','), trace_id))
      AND ($before IS NULL OR started_at < $before OR started_at = $before AND (trace_id < $before_trace
           OR trace_id = $before_trace AND span_id < $before_span))
    ORDER BY started_at DESC, trace_id DESC, span_id DESC
    LIMIT $limit)
) AS entries
ORDER BY started_at DESC, trace_id DESC, span_id DESC
LIMIT $limit
