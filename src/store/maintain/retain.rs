//! Owns retention: files of days past it leave their table in one commit. Rows for such a day that come late go the same
//! way in the next round.

use crate::store::delta::{Change, Reason};
use crate::store::{DataFile, Error, Table};

use super::Maintainer;

impl Maintainer {
    /// Takes the table's expired days out of it.
    pub(super) async fn retain(&mut self, table: Table) -> Result<(), Error> {
        let first = first_kept(self.clock.now().days(), self.config.retention.days(table));
        let files = self.live.files(table);
        let removed: Vec<DataFile> = files.iter().filter(|file| file.date < first).cloned().collect();
        if removed.is_empty() {
            return Ok(());
        }
        let (files, rows) = (removed.len(), removed.iter().map(|file| file.rows).sum::<u64>());
        let change = Change { reason: Reason::Expired(first), removed, added: Vec::new() };
        if self.change(table, change).await? {
            tracing::info!(table = table.name(), files, rows, "days past their retention were dropped");
        }
        Ok(())
    }
}

/// The first day that is kept: so many whole days before today.
fn first_kept(today: i32, days: u32) -> i32 {
    i32::try_from(i64::from(today) - i64::from(days)).unwrap_or(i32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_before_today_are_kept() {
        assert_eq!(first_kept(20_000, 30), 19_970);
        assert_eq!(first_kept(20_000, 0), 20_000);
        assert_eq!(first_kept(-2_000_000_000, u32::MAX), i32::MIN);
    }
}
