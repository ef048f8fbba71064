-- The tables that have any row: what an empty page says depends on it.
-- column kind: text, invocations, spans or logs
SELECT kind FROM (
    (SELECT 'invocations' AS kind FROM invocations LIMIT 1)
    UNION ALL
    (SELECT 'spans' FROM spans LIMIT 1)
    UNION ALL
    (SELECT 'logs' FROM logs LIMIT 1)
) AS seen
ORDER BY kind
