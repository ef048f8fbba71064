//! Measures; run by hand: `cargo test --lib query::tests::measure -- --ignored --nocapture`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::ListingOptions;
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;

use super::tables::{attempt, batch, config, params};
use crate::query::session::Views;
use crate::query::{Additions, Engine, Params};
use crate::store::{Bound, Bounds, DataFile, Table, View};

const FILES: usize = 1_000;
const ROWS: usize = 3_000;

struct OnDisk(HashMap<Table, View>);

impl Views for OnDisk {
    fn view(&self, table: Table) -> View {
        self.0[&table].clone()
    }
}

fn rows_of(file: usize) -> (String, RecordBatch) {
    let day = format!("2026-03-{:02}", file % 28 + 1);
    let row = |n: usize| {
        let at = format!("{day}T{:02}:{:02}:{:02}.{:06}Z", n * 24 / ROWS, n % 60, (n * 7) % 60, (n * 7919) % 1_000_000);
        let other = serde_json::json!({"function": format!("f{}", file % 7), "duration_ns": 1_000_000 + (n * 7919) % 5_000_000,
            "trace_id": format!("{:032x}", (file * ROWS + n) as u128 * 0x9e37_79b9_7f4a_7c15), "cold": n.is_multiple_of(50),
            "list_cost": format!("0.0000002041666{n:05}"), "tenant": format!("t{}", n % 3)});
        attempt(&format!("i{file}-{n}"), &at, &other)
    };
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    (day, batch(Table::Invocations, &rows))
}

fn write(dir: &std::path::Path) -> Arc<[DataFile]> {
    let mut files = Vec::new();
    for file in 0..FILES {
        let (day, rows) = rows_of(file);
        let rows_in_file = rows.project(&(0..rows.num_columns() - 1).collect::<Vec<_>>()).unwrap();
        let name = format!("invocations/date={day}/{file}.parquet");
        let path = dir.join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer =
            ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows_in_file.schema(), None).unwrap();
        writer.write(&rows_in_file).unwrap();
        writer.close().unwrap();
        let start = crate::units::Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap();
        let end = start.plus(Duration::from_secs(86_400));
        let function = Bound::Text(format!("f{}", file % 7));
        files.push(DataFile {
            path: Path::from(name),
            bytes: std::fs::metadata(&path).unwrap().len(),
            rows: ROWS as u64,
            date: start.days(),
            bounds: vec![
                (
                    "started_at".to_owned(),
                    Bounds {
                        min: Bound::TimestampMicros(start.micros()),
                        max: Bound::TimestampMicros(end.micros()),
                        nulls: 0,
                    },
                ),
                ("function".to_owned(), Bounds { min: function.clone(), max: function, nulls: 0 }),
            ],
        });
    }
    files.into()
}

async fn time<F: Future>(clock: &crate::clock::Clock, what: &str, mut run: impl FnMut() -> F) {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let start = clock.instant();
        run().await;
        best = best.min(clock.instant() - start);
    }
    println!("{:>10.2} ms  {what}", best.as_secs_f64() * 1e3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let clock = crate::clock::Clock::system();
    let files = write(dir.path());
    let store = Arc::new(LocalFileSystem::new_with_prefix(dir.path()).unwrap());
    let view = |table: Table| View {
        table,
        schema: table.schema(),
        object_store: Arc::clone(&store) as _,
        files: if table == Table::Invocations { Arc::clone(&files) } else { Arc::from([]) },
        batches: Vec::new(),
    };
    let engine = Engine::over(
        config(),
        Arc::new(OnDisk(Table::ALL.into_iter().map(|t| (t, view(t))).collect())),
        Additions::default(),
    )
    .unwrap();
    let mut settings = SessionConfig::new().with_target_partitions(2);
    settings.options_mut().execution.parquet.pushdown_filters = true;
    settings.options_mut().execution.parquet.reorder_filters = true;
    let listing = SessionContext::new_with_config(settings);
    let options = ListingOptions::new(Arc::new(ParquetFormat::new()))
        .with_table_partition_cols(vec![("date".to_owned(), DataType::Date32)]);
    let url = format!("file://{}/invocations", dir.path().display());
    let schema = Table::Invocations.schema();
    let fields: Vec<_> = schema.fields().iter().take(schema.fields().len() - 1).cloned().collect();
    let in_files = Arc::new(arrow::datatypes::Schema::new(fields));
    listing.register_listing_table("invocations", &url, options, Some(in_files), None).await.unwrap();
    let none = Params::new();
    time(&clock, "SELECT 1", || async { engine.sql("SELECT 1", &none).await.unwrap() }).await;
    let cases = [
        "SELECT count(*) FROM invocations",
        "SELECT sum(list_cost) FROM invocations",
        "SELECT tenant, date, sum(list_cost) FROM invocations GROUP BY tenant, date",
        "SELECT date_bin(INTERVAL '1 minute', started_at), count(*) FROM invocations WHERE function = 'f3' AND started_at >= '2026-03-04T00:00:00Z' AND started_at < '2026-03-05T00:00:00Z' GROUP BY 1",
        "SELECT function, percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) FROM invocations WHERE date >= '2026-03-08' AND date < '2026-03-15' GROUP BY function",
        "SELECT invocation_id, outcome, duration_ns FROM invocations ORDER BY started_at DESC LIMIT 50",
        "EXPLAIN SELECT invocation_id FROM invocations WHERE outcome = 'ok'",
        "EXPLAIN SELECT invocation_id FROM invocations WHERE started_at >= '2026-03-04T00:00:00Z' AND started_at < '2026-03-05T00:00:00Z'",
    ];
    for sql in cases {
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        for _ in 0..9 {
            let start = clock.instant();
            engine.sql(sql, &none).await.unwrap();
            let between = clock.instant();
            listing.sql(sql).await.unwrap().collect().await.unwrap();
            ours = ours.min(between - start);
            theirs = theirs.min(clock.instant() - between);
        }
        let (ours, theirs) = (ours.as_secs_f64() * 1e3, theirs.as_secs_f64() * 1e3);
        println!("{ours:>10.2} ms  {theirs:>10.2} ms  {:.2}  {sql}", ours / theirs);
    }
    let given = params([("from", "2026-03-04T00:00:00Z"), ("to", "2026-03-05T00:00:00Z")]);
    time(&clock, "invocations_by_function, a day", || async {
        engine.named("invocations_by_function", &given).await.unwrap()
    })
    .await;
    time(&clock, "last_invocations", || async { engine.named("last_invocations", &none).await.unwrap() }).await;
    let given = params([("invocation_id", "i500-7")]);
    time(&clock, "invocation", || async { engine.named("invocation", &given).await.unwrap() }).await;
}
