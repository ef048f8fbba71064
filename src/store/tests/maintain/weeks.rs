//! Weeks go by on a clock that a test moves: files stay few and rows stay there.

use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn four_weeks_leave_few_files_and_every_row_once() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 4).await;
    let start = bench.clock.now().days();
    while bench.clock.now().days() < start + 28 {
        // Each seventh day is busy, and some rows come late.
        let busy = (bench.clock.now().days() - start) % 7 == 3;
        bench.append(if busy { 60 } else { 2 }, Duration::ZERO).await;
        if bench.clock.now().days() % 5 == 0 {
            bench.append(1, DAY).await;
        }
        bench.store.handle.flush().await.unwrap();
        bench.maintain().await;
        let days = (bench.clock.now().days() - start) as usize + 1;
        for table in [Table::Invocations, Table::Logs] {
            let files = bench.files(table).len();
            // At most 3 of each size today, and yesterday until it has settled.
            assert!(files <= days + 20, "{} has {files} files on day {days}", table.name());
        }
        bench.clock.advance(HOUR + HOUR / 2);
    }
    bench.clock.advance(DAY);
    bench.maintain().await;
    bench.clock.advance(2 * HOUR);
    bench.maintain().await;
    bench.check().await;
    for table in [Table::Invocations, Table::Logs] {
        let (files, stored) = (bench.files(table), bench.stored(table).await);
        let days: std::collections::BTreeSet<i32> = files.iter().map(|file| file.date).collect();
        assert_eq!((files.len(), stored), (days.len(), days.len()), "{}", table.name());
    }
    let status = bench.store.handle.status();
    let rows = bench.expected.len() as u64;
    assert!(status.rows_joined <= 2 * rows * 6, "{} of {rows} rows were written again", status.rows_joined);
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
        assert_eq!(
            filtered,
            if table == Table::Invocations { 2 } else { 1 } + usize::from(table == Table::Logs),
            "{}",
            table.name()
        );
        assert!(file.bounds.iter().all(|(_, bounds)| bounds.min <= bounds.max));
    }
    let joined = &bench.files(Table::Logs)[0];
    for (name, bounds) in &joined.bounds {
        let all = before.iter().flat_map(|file| &file.bounds).filter(|(found, _)| found == name);
        assert_eq!(all.clone().map(|(_, found)| found.nulls).sum::<u64>(), bounds.nulls);
        assert_eq!(all.clone().map(|(_, found)| &found.min).min(), Some(&bounds.min));
        assert_eq!(all.clone().map(|(_, found)| &found.max).max(), Some(&bounds.max));
    }
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_reads_as_little_after_many_commits_as_after_few() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 8).await;
    let mut reads = Vec::new();
    for commits in [90_usize, 300] {
        for _ in 0..commits {
            bench.append(1, Duration::ZERO).await;
            bench.store.handle.flush().await.unwrap();
            bench.clock.advance(Duration::from_secs(10));
        }
        bench.maintain().await;
        bench.objects.take_read();
        bench.reopen(false).await;
        reads.push(bench.objects.take_read().len());
        bench.check().await;
        bench.objects.take_read();
    }
    // A checkpoint, and less than a hundred commits after it, for each of two tables.
    assert!(reads.iter().all(|reads| *reads < 2 * 100 * 4), "{reads:?}");
    bench.store.stop().await.unwrap();
}
