//! Weeks go by on a clock that a test moves: files stay few and rows stay there.

use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn four_weeks_leave_few_files_and_every_row_once() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 3).await;
    bench.logs = false;
    let start = bench.clock.now().days();
    while bench.clock.now().days() < start + 28 {
        let day = bench.clock.now().days() - start;
        // Each seventh day is busy, and some rows come late.
        bench.append(if day % 7 == 3 { 60 } else { 2 }, Duration::ZERO).await;
        if day % 5 == 0 {
            bench.append(1, DAY).await;
        }
        bench.store.handle.flush().await.unwrap();
        bench.maintain().await;
        let files = bench.files(Table::Invocations).len();
        // Today at most two of each size, and as many of yesterday until it has settled.
        assert!(files <= day as usize + 16, "{files} files on day {day}");
        bench.clock.advance(6 * HOUR);
    }
    for _ in 0..2 {
        bench.clock.advance(DAY);
        bench.maintain().await;
    }
    bench.check().await;
    let (files, stored) = (bench.files(Table::Invocations), bench.stored(Table::Invocations).await);
    let days: std::collections::BTreeSet<i32> = files.iter().map(|file| file.date).collect();
    assert_eq!((files.len(), stored), (days.len(), days.len()));
    let (status, rows) = (bench.store.handle.status(), bench.expected.len() as u64);
    assert!(status.rows_joined <= rows * 5, "{} of {rows} rows were written again", status.rows_joined);
    assert_eq!(status.maintenance_failures, 0);
    bench.reopen(false).await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_files_are_sorted_bounded_and_filtered_as_any_other() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 2).await;
    for rows in [700, 3_000, 1, 2_500] {
        bench.commit(rows).await;
    }
    let before = bench.files(Table::Logs);
    bench.clock.advance(DAY + HOUR);
    bench.maintain().await;
    bench.check().await;
    for table in [Table::Invocations, Table::Logs] {
        let view = bench.store.handle.view(table);
        assert_eq!(view.files.len(), 1);
        let file = &view.files[0];
        let batches = contents(&view).await;
        let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
        let functions = rows.column_by_name("function").unwrap().as_string::<i32>();
        let times = rows.column_by_name(table.time_column()).unwrap().as_primitive::<TimestampMicrosecondType>();
        assert!(functions.iter().zip(times.values()).is_sorted(), "{}", table.name());
        let bytes = view.object_store.get(&file.path).await.unwrap().bytes().await.unwrap();
        let reader = SerializedFileReader::new(bytes).unwrap();
        let columns = reader.metadata().row_group(0).columns();
        let filtered = columns.iter().filter(|column| column.bloom_filter_offset().is_some()).count();
        // Two ids, and the outcome of invocations.
        assert_eq!(filtered, if table == Table::Invocations { 3 } else { 2 }, "{}", table.name());
        assert!(file.bounds.iter().all(|(_, bounds)| bounds.min <= bounds.max));
    }
    let joined = &bench.files(Table::Logs)[0];
    for (name, bounds) in &joined.bounds {
        let all = before.iter().flat_map(|file| &file.bounds).filter(|(found, _)| found == name);
        // A file whose values are all null has no bounds.
        let unbounded = before.iter().filter(|file| file.bounds.iter().all(|(found, _)| found != name));
        let nulls = all.clone().map(|(_, found)| found.nulls).chain(unbounded.map(|file| file.rows));
        assert_eq!(nulls.sum::<u64>(), bounds.nulls);
        assert_eq!(all.clone().map(|(_, found)| &found.min).min(), Some(&bounds.min));
        assert_eq!(all.clone().map(|(_, found)| &found.max).max(), Some(&bounds.max));
    }
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_reads_as_little_after_many_commits_as_after_few() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 8).await;
    bench.logs = false;
    let mut reads = Vec::new();
    for commits in [30, 110] {
        for commit in 0..commits {
            bench.commit(1).await;
            bench.clock.advance(Duration::from_secs(10));
            if commit % 10 == 0 {
                bench.maintain().await;
            }
        }
        bench.store.handle.maintain().await.unwrap();
        bench.objects.take_read();
        bench.reopen(false).await;
        reads.push(bench.objects.take_read().len());
        bench.check().await;
    }
    // A checkpoint, and less than a hundred commits behind it.
    assert!(reads[1] < 250 && reads[1] < 3 * reads[0], "{reads:?}");
    bench.store.stop().await.unwrap();
}
