"""Answers the raw queries of panels.toml with DuckDB and with chDB, over the active files of a store's table.

    python3 panels.py DATA_DIR/tables/invocations

Reads lines of JSON from standard input, {"engine": "duckdb" or "chdb", "query": NAME}, and answers each with one line:
{"ms": TIME, "rows": COUNT}. The time is that of the query alone, rows fetched. Both have as many threads as this machine.
"""

import json
import sys
import time
import tomllib
from pathlib import Path

import chdb.session
import deltalake
import duckdb


class DuckDb:
    def __init__(self, files):
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        # Footers are read again by each query unless this is set; our own engine keeps them too.
        self.connection.execute("SET parquet_metadata_cache = true")
        listed = ", ".join(f"'{file}'" for file in files)
        self.connection.execute(
            f"CREATE VIEW invocations AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"
        )

    def answer(self, sql):
        return len(self.connection.execute(sql).fetchall())


class ChDb:
    def __init__(self, table, files):
        self.session = chdb.session.Session()
        names = ",".join(str(Path(file).relative_to(table)) for file in files)
        self.source = f"file('{table}/{{{names}}}', Parquet)"

    def answer(self, sql):
        text = str(self.session.query(sql.replace("invocations", self.source, 1), "CSV"))
        return text.count("\n")


def main():
    table = Path(sys.argv[1]).resolve()
    uris = deltalake.DeltaTable(str(table)).file_uris()
    files = sorted(uri.removeprefix("file://") for uri in uris)
    queries = tomllib.loads(Path(__file__).with_name("panels.toml").read_text())
    engines = {"duckdb": DuckDb(files), "chdb": ChDb(table, files)}
    print(json.dumps({"files": len(files), "duckdb": duckdb.__version__, "chdb": chdb.__version__}), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        entry = queries[ask["query"]]
        sql = entry.get(ask["engine"], entry["sql"])
        began = time.perf_counter()
        rows = engines[ask["engine"]].answer(sql)
        print(json.dumps({"ms": (time.perf_counter() - began) * 1000, "rows": rows}), flush=True)


main()
