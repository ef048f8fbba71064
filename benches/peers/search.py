"""Answers SQL with DuckDB over the active files of a store's tables of spans and logs.

    python3 search.py DATA_DIR/tables

Reads lines of JSON from standard input, {"table": NAME, "sql": TEXT, "params": {}}, and answers each with one line:
{"ms": TIME, "rows": COUNT}. The time is that of the query alone, rows fetched.
"""

import json
import sys
import time
from pathlib import Path

import deltalake
import duckdb


def main():
    tables = Path(sys.argv[1]).resolve()
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # Footers are read again by each query unless this is set; our own engine keeps them too.
    connection.execute("SET parquet_metadata_cache = true")
    for name in ("spans", "logs"):
        uris = deltalake.DeltaTable(str(tables / name)).file_uris()
        listed = ", ".join(f"'{uri.removeprefix('file://')}'" for uri in sorted(uris))
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)")
    print(json.dumps(f"DuckDB {duckdb.__version__}"), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        began = time.perf_counter()
        rows = connection.execute(ask["sql"], ask["params"]).fetchall()
        print(json.dumps({"ms": (time.perf_counter() - began) * 1000, "rows": len(rows)}), flush=True)


main()
