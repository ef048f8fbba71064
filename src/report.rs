//! Files of a report: the same rows as CSV, JSON, Parquet, XLSX and PDF, byte for byte the same each time, and a manifest
//! beside them. What the rows say is `billing`'s.
