//! Decides which files of a table are joined next. Pure.
//!
//! Files of a day are in sizes by their rows, each size `fan_in` times the one before. When there are `fan_in` files of one
//! size, they are joined, with all smaller ones: what comes out is of the next size, so a row is written again once for each
//! size that there is, and a day has less than `fan_in` files of each. Once a day is over and nothing more comes, all that is
//! small is joined.

use std::collections::BTreeMap;

use crate::store::{DataFile, Maintenance};
use crate::units::Timestamp;

/// Files that are joined at once, at most: each takes memory for a page of each of its columns.
const INPUTS: usize = 8;

/// The files of one day that are joined next; none when all is well. Newer days come first: they are asked for most.
pub(super) fn next(files: &[DataFile], now: Timestamp, config: &Maintenance) -> Option<Vec<DataFile>> {
    let mut days: BTreeMap<i32, Vec<&DataFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| is_small(file, config)) {
        days.entry(file.date).or_default().push(file);
    }
    days.into_iter().rev().find_map(|(day, files)| of_day(day, files, now, config))
}

/// A file that is not small is never written again.
fn is_small(file: &DataFile, config: &Maintenance) -> bool {
    file.bytes < config.file_bytes / 2 && file.rows < config.file_rows / 2
}

fn of_day(day: i32, mut files: Vec<&DataFile>, now: Timestamp, config: &Maintenance) -> Option<Vec<DataFile>> {
    if files.len() < 2 {
        return None;
    }
    files.sort_by(|one, other| (one.rows, &one.path).cmp(&(other.rows, &other.path)));
    let last = files.iter().filter_map(|file| file.last_ingested()).max().unwrap_or(0);
    let quiet = now.since(Timestamp::from_micros(last)) >= config.settle_after;
    let wanted = if day < now.days() && quiet { files.len() } else { enough_of_a_size(&files, config.fan_in.max(2)) };
    let taken = fitting(&files[..wanted], config);
    (taken >= 2).then(|| files[..taken].iter().copied().cloned().collect())
}

/// How many of the smallest files are to be joined, so that nowhere `fan_in` files of a size are left.
fn enough_of_a_size(files: &[&DataFile], fan_in: u32) -> usize {
    let size = |rows: u64| rows.max(1).ilog(u64::from(fan_in));
    let (mut taken, mut rows) = (0, 0);
    for end in 1..=files.len() {
        let this = size(files[end - 1].rows);
        if files.get(end).is_some_and(|next| size(next.rows) == this) {
            continue;
        }
        let first = files[..end].partition_point(|file| size(file.rows) < this);
        let joined = usize::from(taken > 0 && size(rows) >= this);
        if end - first + joined >= fan_in as usize {
            taken = end;
            rows = files[..end].iter().map(|file| file.rows).sum();
        }
    }
    taken
}

/// How many of the files can be joined to one.
fn fitting(files: &[&DataFile], config: &Maintenance) -> usize {
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    let fits = |file: &&&DataFile| {
        (rows, bytes) = (rows + file.rows, bytes + file.bytes);
        rows <= config.file_rows && bytes <= config.file_bytes
    };
    files.iter().take(INPUTS).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::{Bound, Bounds};

    const DAY: i32 = 20_000;

    fn noon() -> Timestamp {
        Timestamp::from_micros((i64::from(DAY) * 24 + 12) * 3_600_000_000)
    }

    fn file(day: i32, rows: u64, at: Timestamp) -> DataFile {
        let at = Bound::TimestampMicros(at.micros());
        DataFile {
            path: format!("invocations/date={day}/{rows}-{at:?}").into(),
            bytes: 20_000 + rows * 100,
            rows,
            date: day,
            bounds: vec![("ingested_at".to_owned(), Bounds { min: at.clone(), max: at, nulls: 0 })],
        }
    }

    /// Joins until there is nothing left to join; returns the rows of the files, and how many rows were written.
    fn settle(files: &mut Vec<DataFile>, now: Timestamp, config: &Maintenance) -> u64 {
        let mut written = 0;
        while let Some(joined) = next(files, now, config) {
            let rows = joined.iter().map(|file| file.rows).sum();
            assert!(rows <= config.file_rows && joined.len() > 1 && joined.len() <= INPUTS);
            assert!(joined.iter().all(|file| file.date == joined[0].date), "files of one day");
            files.retain(|file| !joined.contains(file));
            files.push(file(joined[0].date, rows, joined.iter().filter_map(last).max().unwrap()));
            written += rows;
        }
        written
    }

    fn last(file: &DataFile) -> Option<Timestamp> {
        file.last_ingested().map(Timestamp::from_micros)
    }

    #[test]
    fn a_day_of_trickle_has_few_files_at_any_moment_and_each_row_is_written_few_times() {
        let config = Maintenance::default();
        let (mut files, mut written, mut most) = (Vec::new(), 0, 0);
        let midnight = noon().minus(Duration::from_secs(43_200));
        for commit in 0..8_640 {
            let now = midnight.plus(Duration::from_secs(commit * 10));
            files.push(file(DAY, 1 + commit % 3, now));
            if commit % 6 == 0 {
                written += settle(&mut files, now, &config);
                most = most.max(files.len());
            }
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        assert_eq!(rows, (0..8_640).map(|commit| 1 + commit % 3).sum::<u64>());
        assert!(most <= 35, "{most}");
        assert!(written <= rows * 5, "{written} of {rows}");
        settle(&mut files, midnight.plus(Duration::from_secs(25 * 3_600)), &config);
        assert_eq!(files.len(), 1);
    }

    #[test]
    fn a_busy_day_ends_in_files_of_the_size_that_is_aimed_at() {
        let config = Maintenance::default();
        let mut files: Vec<_> =
            (0..1_000).map(|n| file(DAY, 10_000 + n, noon().plus(Duration::from_secs(n)))).collect();
        let written = settle(&mut files, noon().plus(Duration::from_secs(90_000)), &config);
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        assert_eq!(rows, (0..1_000).map(|n| 10_000 + n).sum::<u64>());
        assert!(files.len() <= 21, "{}", files.len());
        assert!(written <= rows * 3, "{written} of {rows}");
    }

    #[test]
    fn days_that_are_over_wait_until_nothing_comes_any_more() {
        let config = Maintenance::default();
        let files = [file(DAY - 1, 500, noon()), file(DAY - 1, 3, noon()), file(DAY, 1, noon()), file(DAY, 2, noon())];
        assert_eq!(next(&files, noon().plus(Duration::from_secs(3_599)), &config), None);
        let joined = next(&files, noon().plus(Duration::from_secs(3_600)), &config).unwrap();
        assert_eq!(
            joined.iter().map(|file| (file.date, file.rows)).collect::<Vec<_>>(),
            [(DAY - 1, 3), (DAY - 1, 500)]
        );
    }

    #[test]
    fn large_files_are_left_alone() {
        let config = Maintenance { file_rows: 1_000, ..Maintenance::default() };
        let later = noon().plus(Duration::from_secs(100_000));
        assert_eq!(next(&[file(DAY, 500, noon()), file(DAY, 499, noon())], later, &config), None);
        let two = [file(DAY, 499, noon()), file(DAY, 498, noon()), file(DAY, 497, noon())];
        assert_eq!(next(&two, later, &config).map(|files| files.len()), Some(2));
    }
}
