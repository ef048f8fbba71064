"""Reads a store's Delta tables without Faremeter, and prints what it finds as one JSON object, by table.

    python3 read_store.py DATA_DIR/tables

The log of each table is replayed here, from its checkpoint and its commits, by Delta's own published protocol; rows are
counted and summed by DuckDB over the Parquet files that the log says are active. The package deltalake reads the same
table a third way: its version, files and row count are printed beside ours.
"""

import json
import re
import sys
import urllib.parse
from pathlib import Path

import deltalake
import duckdb

TIME_COLUMNS = {"invocations": "started_at", "spans": "started_at", "logs": "time", "metrics": "time"}
KNOWN_FEATURES = {"appendOnly", "invariants", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"}


class Log:
    """A Delta log, replayed."""

    def __init__(self, table):
        self.folder = table / "_delta_log"
        self.active = {}
        self.version = -1
        self.transactions = {}
        self.checkpoint = None
        pointer = self.folder / "_last_checkpoint"
        if pointer.exists():
            self.read_checkpoint(json.loads(pointer.read_text()))
        for version, file in self.commits():
            if version > self.version:
                if self.version >= 0 and version != self.version + 1:
                    sys.exit(f"{file}: version {self.version + 1} is missing")
                for line in file.read_text().splitlines():
                    self.apply(json.loads(line))
                self.version = version

    def commits(self):
        files = (file for file in self.folder.iterdir() if re.fullmatch(r"\d{20}\.json", file.name))
        return sorted((int(file.stem), file) for file in files)

    def read_checkpoint(self, pointer):
        version, parts = pointer["version"], pointer.get("parts")
        name = f"{version:020}.checkpoint"
        names = [f"{name}.parquet"]
        if parts:
            names = [f"{name}.{part + 1:010}.{parts:010}.parquet" for part in range(parts)]
        for name in names:
            rows = duckdb.sql(f"SELECT * FROM read_parquet({text(self.folder / name)})")
            columns = rows.columns
            for row in rows.fetchall():
                self.apply({column: value for column, value in zip(columns, row) if value is not None})
        self.version = self.checkpoint = version

    def apply(self, action):
        if "add" in action:
            add = action["add"]
            if add.get("deletionVector"):
                sys.exit(f"{add['path']}: a deletion vector, which our tables do not use")
            if isinstance(add["partitionValues"], list):
                add["partitionValues"] = dict(add["partitionValues"])
            self.active[add["path"]] = add
        if "remove" in action:
            self.active.pop(action["remove"]["path"], None)
        if "protocol" in action:
            unknown = set(action["protocol"].get("readerFeatures") or []) - KNOWN_FEATURES
            if unknown:
                sys.exit(f"features that this script does not read: {unknown}")
        if "txn" in action:
            self.transactions[action["txn"]["appId"]] = action["txn"]["version"]


def text(value):
    """A string literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def read(table):
    log = Log(table)
    found = {"version": log.version, "checkpoint": log.checkpoint, "transactions": log.transactions, "files": []}
    rows = 0
    for path, add in sorted(log.active.items()):
        file = table / urllib.parse.unquote(path)
        if file.stat().st_size != add["size"]:
            sys.exit(f"{file} has {file.stat().st_size} bytes, and the log says {add['size']}")
        count, days = duckdb.sql(
            f"SELECT count(*), list(DISTINCT CAST({TIME_COLUMNS[table.name]} AT TIME ZONE 'UTC' AS DATE)::VARCHAR) "
            f"FROM read_parquet({text(file)}, hive_partitioning = false)"
        ).fetchall()[0]
        if days != [add["partitionValues"]["date"]]:
            sys.exit(f"{file} has rows of {days}, and the log says {add['partitionValues']}")
        stats = json.loads(add["stats"])
        if stats["numRecords"] != count:
            sys.exit(f"{file} has {count} rows, and the log says {stats['numRecords']}")
        rows += count
        found["files"].append(path)
    found["rows"] = rows
    if table.name == "invocations" and found["files"]:
        found |= sums([table / urllib.parse.unquote(path) for path in found["files"]])
    theirs = deltalake.DeltaTable(str(table))
    found["deltalake"] = {
        "version": theirs.version(),
        "files": sorted(Path(uri).name for uri in theirs.file_uris()),
        "rows": theirs.count(),
    }
    return found


def sums(files):
    source = f"read_parquet([{', '.join(map(text, files))}], hive_partitioning = false)"
    cost, distinct = duckdb.sql(
        f"SELECT CAST(sum(list_cost) AS VARCHAR), count(DISTINCT invocation_id) FROM {source}"
    ).fetchall()[0]
    outcomes = duckdb.sql(f"SELECT outcome, count(*) FROM {source} GROUP BY outcome").fetchall()
    return {"list_cost": cost, "distinct": distinct, "outcomes": dict(outcomes)}


if __name__ == "__main__":
    duckdb.sql("SET TimeZone = 'UTC'")
    tables = sorted(log.parent for log in Path(sys.argv[1]).rglob("_delta_log"))
    print(json.dumps({table.name: read(table) for table in tables}, indent=1))
