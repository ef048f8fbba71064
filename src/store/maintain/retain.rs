//! Owns retention: files of days past it leave their table in one commit, and files of days past that of some tenants are
//! written again without their rows. Rows for such a day that come late go the same way in the next round.

use std::sync::Arc;

use object_store::path::Path;
use rand::RngCore;
use tokio_util::sync::CancellationToken;

use crate::store::delta::{Change, NewFile, Reason, without};
use crate::store::{Bound, Config, DataFile, Error, Table};

use super::{Maintainer, compact};

/// Whose rows of a day are past their retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expired {
    /// Whether those of tenants that are not named are.
    others: bool,
    /// Tenants with whom it is the other way round, sorted.
    named: Arc<[String]>,
}

impl Expired {
    /// Of the day `date`.
    fn of(config: &Config, table: Table, date: i32, today: i32) -> Self {
        let is_over = |days: u32| date < first_kept(today, days);
        let others = is_over(config.retention.days(table));
        let differs = config.tenant_retention.iter().filter(|(_, retention)| is_over(retention.days(table)) != others);
        Self { others, named: differs.map(|(tenant, _)| tenant.clone()).collect() }
    }

    fn takes(&self, tenant: &str) -> bool {
        self.others != self.named.iter().any(|named| named == tenant)
    }

    /// Whether nobody's rows are.
    fn is_nobody(&self) -> bool {
        !self.others && self.named.is_empty()
    }
}

impl Maintainer {
    /// Takes the days out of the table that are past every retention.
    pub(super) async fn retain(&mut self, table: Table) -> Result<(), Error> {
        let tenants = self.config.tenant_retention.values().map(|retention| retention.days(table));
        let longest = tenants.fold(self.config.retention.days(table), u32::max);
        let first = first_kept(self.clock.now().days(), longest);
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

impl Maintainer {
    /// Takes the rows out of the table's other files that are past their own tenant's retention.
    pub(super) async fn retain_tenants(&mut self, table: Table, stop: &CancellationToken) -> Result<(), Error> {
        if self.config.tenant_retention.is_empty() {
            return Ok(());
        }
        let (files, today) = (self.live.files(table), self.clock.now().days());
        self.retained[table.index()].retain(|path, _| files.iter().any(|file| file.path == *path));
        for file in files.iter() {
            let expired = Expired::of(&self.config, table, file.date, today);
            if expired.is_nobody() || self.retained[table.index()].get(&file.path) == Some(&expired) {
                continue;
            }
            let gone = match only_tenant(file) {
                Some(tenant) if expired.takes(tenant) => Some(Vec::new()),
                Some(_) => None,
                None => self.written_without(table, file, &expired, stop).await?,
            };
            let Some(added) = gone else {
                self.retained[table.index()].insert(file.path.clone(), expired);
                continue;
            };
            let (rows, kept) = (file.rows, added.iter().map(|new| new.file.rows).sum::<u64>());
            let paths: Vec<Path> = added.iter().map(|new| new.file.path.clone()).collect();
            let change = Change { reason: Reason::TenantsExpired, removed: vec![file.clone()], added };
            if self.change(table, change).await? {
                self.retained[table.index()].extend(paths.into_iter().map(|path| (path, expired.clone())));
                tracing::info!(
                    table = table.name(),
                    rows = rows - kept,
                    "rows past their tenant's retention were dropped"
                );
            }
        }
        Ok(())
    }

    /// The file without the rows that are past their retention: no file where none are left. None where it holds no such row.
    async fn written_without(
        &mut self,
        table: Table,
        file: &DataFile,
        expired: &Expired,
        stop: &CancellationToken,
    ) -> Result<Option<Vec<NewFile>>, Error> {
        let source = compact::open(table, Arc::clone(&self.object_store), std::slice::from_ref(file)).await?.remove(0);
        let (date, rows, stop, expired) = (file.date, file.rows, stop.clone(), expired.clone());
        let writing = tokio::task::spawn_blocking(move || {
            without(table, date, source, rows, &|tenant| expired.takes(tenant), &stop)
        });
        let written = writing.await.map_err(|error| Error::Internal(format!("dropping rows: {error}")))??;
        match written {
            written if written.rows == file.rows => Ok(None),
            written if written.rows == 0 => Ok(Some(Vec::new())),
            written => {
                let name = format!("retained-{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
                NewFile::put(table, &self.object_store, &self.rollups, &name, written.encoded)
                    .await
                    .map(|new| Some(vec![new]))
            }
        }
    }
}

/// The tenant that all rows of a file are of, where its bounds say that there is but one.
fn only_tenant(file: &DataFile) -> Option<&str> {
    let (_, bounds) = file.bounds.iter().find(|(name, _)| name == "tenant")?;
    match (&bounds.min, &bounds.max) {
        (Bound::Text(min), Bound::Text(max)) if min == max && bounds.nulls == 0 => Some(min),
        _ => None,
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
