//! Owns the deleting of files that nobody needs: those that left their table long enough ago, and those that no table ever
//! had. It trusts what is in storage alone, so that a restart changes nothing.
//!
//! A data file's side files go with it, and those without a data file when they are old: the data file is put after them.
//!
//! Safe by the order of things: storage is listed first, then the committer, between two commits, says what it has and what
//! it may still name. A file that is listed and in neither was written for nothing, or has left the table.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::store::delta::removals;
use crate::store::rollup::data_of;
use crate::store::status::count;
use crate::store::{Error, Table};
use crate::units::Timestamp;

use super::Maintainer;

impl Maintainer {
    /// Deletes what can be deleted, of all tables.
    pub(super) async fn vacuum(&mut self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut result = Ok(());
        let mut bytes = 0;
        for table in Table::ALL {
            match Box::pin(self.vacuum_table(table, now)).await {
                Ok(left) => bytes += left,
                Err(error) => result = result.and(Err(error)),
            }
        }
        if result.is_ok() {
            self.ceiling.measured(bytes);
            self.vacuumed = Some(now);
        }
        result
    }

    /// Counts what the tables take in storage.
    pub(super) async fn measure(&mut self) -> Result<(), Error> {
        let mut bytes = 0;
        for table in Table::ALL {
            bytes += self.list(table).await?.iter().map(|file| file.size).sum::<u64>();
        }
        bytes += self.rollups.list().await?.iter().map(|side| side.size).sum::<u64>();
        self.ceiling.measured(bytes);
        Ok(())
    }

    /// Returns the bytes that are left.
    async fn vacuum_table(&mut self, table: Table, now: Timestamp) -> Result<u64, Error> {
        let listed = self.list(table).await?;
        let sides = if table == Table::Invocations { self.rollups.list().await? } else { Vec::new() };
        let kept = self.kept(table).await?;
        let total = listed.iter().chain(&sides).map(|file| file.size).sum::<u64>();
        let unnamed: Vec<&ObjectMeta> =
            listed.iter().filter(|file| is_data(&file.location) && !kept.contains(&file.location)).collect();
        let removed = if unnamed.is_empty() { HashMap::new() } else { removals(table, &self.object_store).await? };
        let old: Vec<ObjectMeta> =
            unnamed.into_iter().filter(|file| self.is_old(file, &removed, now)).cloned().collect();
        let gone: HashSet<Path> = old.iter().map(|file| file.location.clone()).collect();
        let there: HashSet<&Path> = listed.iter().map(|file| &file.location).collect();
        let is_needed = |side: &ObjectMeta| match data_of(&side.location) {
            Some(data) if gone.contains(&data) => false,
            Some(data) if kept.contains(&data) || there.contains(&data) => true,
            _ => !self.is_old(side, &removed, now),
        };
        let unneeded: Vec<ObjectMeta> = sides.into_iter().filter(|side| !is_needed(side)).collect();
        let bytes = self.delete(table, old).await? + self.delete_sides(unneeded).await?;
        self.rollups.forget(gone.iter());
        Ok(total.saturating_sub(bytes))
    }

    /// Side files are not counted among the tables' files.
    async fn delete_sides(&self, sides: Vec<ObjectMeta>) -> Result<u64, Error> {
        let mut bytes = 0;
        for side in sides {
            match self.object_store.delete(&side.location).await {
                Ok(()) => bytes += side.size,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(Error::Storage { table: Table::Invocations, source }),
            }
        }
        Ok(bytes)
    }

    /// The files that the table has, may have, or that a view holds.
    async fn kept(&self, table: Table) -> Result<HashSet<Path>, Error> {
        let mut kept = self.settle(table).await?.paths;
        for files in self.live.held_files(table) {
            kept.extend(files.iter().map(|file| file.path.clone()));
        }
        if let Some(change) = &self.unsettled[table.index()] {
            kept.extend(change.added.iter().map(|new| new.file.path.clone()));
        }
        Ok(kept)
    }

    fn is_old(&self, file: &ObjectMeta, removed: &HashMap<Path, i64>, now: Timestamp) -> bool {
        let config = &self.config.maintenance;
        let (since, wait) = match removed.get(&file.location) {
            Some(millis) => (*millis, config.vacuum_after),
            None => (file.last_modified.timestamp_millis(), config.orphan_after),
        };
        now.since(Timestamp::from_micros(since.saturating_mul(1_000))) >= wait
    }

    async fn delete(&self, table: Table, files: Vec<ObjectMeta>) -> Result<u64, Error> {
        let sizes: HashMap<Path, u64> = files.into_iter().map(|file| (file.location, file.size)).collect();
        let paths: Vec<_> = sizes.keys().cloned().map(Ok).collect();
        let mut deleted = self.object_store.delete_stream(futures::stream::iter(paths).boxed());
        let mut bytes = 0;
        loop {
            match deleted.try_next().await {
                Ok(None) => return Ok(bytes),
                Ok(Some(path)) => {
                    let size = sizes.get(&path).copied().unwrap_or(0);
                    bytes += size;
                    count(&self.counters.files_deleted, 1);
                    count(&self.counters.bytes_deleted, size);
                }
                // One that is gone already is well.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(Error::Storage { table, source }),
            }
        }
    }

    async fn list(&self, table: Table) -> Result<Vec<ObjectMeta>, Error> {
        let listed = self.object_store.list(Some(&Path::from(table.name()))).try_collect().await;
        listed.map_err(|source| Error::Storage { table, source })
    }
}

/// Whether it is a file of rows. The table's log looks after itself.
fn is_data(path: &Path) -> bool {
    path.as_ref().ends_with(".parquet") && !path.parts().any(|part| part.as_ref() == "_delta_log")
}
