//! Owns the comparison of a rollup with the rows that it is of, as SQL: both sides are added up by key in one pass, and the
//! keys whose sums differ come out. Who asks, and for which times, is the caller's.

use arrow::datatypes::DataType;

use crate::store::{OTHER, Rollup};

/// A statement that compares a rollup with the rows of `invocations` between `$from` and `$to`, which are whole hours;
/// `$step` must be 1. Its one row says how many `rows` and `keys` were compared, how many keys are `different`, and the
/// first of them with the columns that differ.
#[must_use]
pub fn rollup_check(rollup: Rollup) -> String {
    let bucket = match rollup {
        Rollup::Minute => "date_bin(INTERVAL '1 minute', bucket)",
        Rollup::Hour | Rollup::Errors => "date_bin(INTERVAL '1 hour', bucket)",
    };
    let schema = rollup.schema();
    let (mut columns, mut keys, mut differs) = (Vec::new(), vec![format!("{bucket} AS bucket")], Vec::new());
    for field in schema.fields().iter().filter(|field| !["bucket", "date"].contains(&field.name().as_str())) {
        let name = field.name();
        match side_by_side(name, field.data_type()) {
            Compared::Not => continue,
            Compared::Key => keys.push(name.clone()),
            Compared::By(differ) => differs.push(format!("CASE WHEN {differ} THEN '{name}' END")),
        }
        columns.push(name.clone());
    }
    let attempts = match rollup {
        Rollup::Errors => "count",
        Rollup::Minute | Rollup::Hour => "invocations + throttled + platform_errors",
    };
    let rows = match rollup {
        Rollup::Errors => ERRORS_OF_ROWS.to_owned(),
        Rollup::Minute | Rollup::Hour => "rollup".to_owned(),
    };
    let columns = columns.join(", ");
    let numbers: Vec<String> = (1..=keys.len()).map(|number| number.to_string()).collect();
    format!(
        "-- param from: timestamp, required\n-- param to: timestamp, required\n-- param step: int, required\n\
         WITH sides AS (\n\
             SELECT TRUE AS made, bucket, {attempts} AS attempts, {columns} FROM {name} WHERE bucket >= $from AND bucket < $to\n\
             UNION ALL\n\
             SELECT FALSE AS made, bucket, {attempts} AS attempts, {columns} FROM {rows} WHERE bucket >= $from AND bucket < $to AND $step = 1\n\
         ), compared AS (\n\
             SELECT {keys}, coalesce(sum(attempts) FILTER (WHERE NOT made), 0) AS attempts,\n\
                 array_to_string(make_array({differs}), ', ') AS different\n\
             FROM sides GROUP BY {numbers}\n\
         )\n\
         SELECT coalesce(sum(attempts), 0) AS rows, count(*) AS keys, count(*) FILTER (WHERE different <> '') AS different,\n\
             min(CAST(bucket AS TEXT) || ' ' || tenant || '/' || function || ': ' || different)\n\
                 FILTER (WHERE different <> '') AS first\n\
         FROM compared",
        name = rollup.name(),
        keys = keys.join(", "),
        differs = differs.join(",\n "),
        numbers = numbers.join(", "),
    )
}

/// Groups of errors as rows have them, one each.
const ERRORS_OF_ROWS: &str = "(SELECT started_at AS bucket, tenant, function, version, region, tags, outcome, currency,
    error_fingerprint(outcome, error_type, error_message) AS fingerprint, 1 AS count, list_cost,
    started_at AS first_seen, started_at AS last_seen
    FROM invocations WHERE outcome IN ('error', 'timeout', 'out_of_memory', 'platform_error')) AS failed";

/// What becomes of a column.
enum Compared {
    /// It is told by others, or says which row was seen last, of which there may be several.
    Not,
    Key,
    By(String),
}

fn side_by_side(name: &str, kind: &DataType) -> Compared {
    let by = |aggregate: &str| {
        let side = |made: &str| format!("{aggregate}({name}) FILTER (WHERE {made})");
        Compared::By(format!("{} IS DISTINCT FROM {}", side("made"), side("NOT made")))
    };
    match (name, kind) {
        ("error_type" | "message" | "sample_invocation_id" | "sample_trace_id", _) => Compared::Not,
        // Groups beyond the limit are in one, so their number says nothing.
        ("fingerprint", _) => match by("count") {
            Compared::By(counts) => Compared::By(format!(
                "(({}) AND NOT bool_or(fingerprint = '{OTHER}'))",
                counts.replace("count(fingerprint)", "count(DISTINCT fingerprint)")
            )),
            other => other,
        },
        ("memory_mb", _) | (_, DataType::Utf8 | DataType::Utf8View | DataType::Map(..)) => Compared::Key,
        ("first_seen", _) => by("min"),
        ("last_seen" | "peak_memory_bytes" | "concurrency", _) => by("max"),
        (_, DataType::Binary) => by("sketch_merge"),
        _ => by("sum"),
    }
}
