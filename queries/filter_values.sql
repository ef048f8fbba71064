-- What was called between two times: tenants, versions of functions, regions and tags, for filters to choose from.
-- param from: timestamp, required; start, included
-- param to: timestamp, required; end, not included
-- param step: int = 60; seconds between two points of the page: whole hours are found faster
-- column kind: text, tenant, version, region or tag
-- column tenant: text, of a version
-- column function: text, of a version
-- column value: text, the tenant, the version, the region, or the tag as KEY:VALUE
WITH called AS (
    SELECT tenant, function, version, region, tags FROM rollup WHERE bucket >= $from AND bucket < $to
), tags AS (
    SELECT unnest(map_keys(tags)) AS key, unnest(map_values(tags)) AS value FROM called
)
SELECT kind, tenant, function, value FROM (
    (SELECT DISTINCT 'tenant' AS kind, '' AS tenant, '' AS function, tenant AS value FROM called ORDER BY value LIMIT 1000)
    UNION ALL
    (SELECT DISTINCT 'region', '', '', region FROM called ORDER BY region LIMIT 1000)
    UNION ALL
    (SELECT DISTINCT 'tag', '', '', key || ':' || value AS value FROM tags ORDER BY value LIMIT 1000)
    UNION ALL
    (SELECT DISTINCT 'version', tenant, function, version FROM called ORDER BY function, tenant, version LIMIT 5000)
) AS found
ORDER BY kind, function, tenant, value
