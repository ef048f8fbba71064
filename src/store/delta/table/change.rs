//! Owns commits that take files out of a table: those that were joined into larger ones, and those of days past their
//! retention. Each is made on the very state that was looked at, or not at all.

use std::collections::HashSet;

use deltalake_core::kernel::Action;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::protocol::DeltaOperation;
use object_store::path::Path;

use crate::store::delta::NewFile;
use crate::store::delta::bounds::day;
use crate::store::delta::file::remove;
use crate::store::tables::PARTITION;
use crate::store::{DataFile, Error};

use super::DeltaTable;

/// Files that leave a table, and those that take their place.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) reason: Reason,
    pub(crate) removed: Vec<DataFile>,
    pub(crate) added: Vec<NewFile>,
}

/// Why files leave a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Their rows are in the files that are added.
    Joined,
    /// Their rows are from before this day (since the epoch), which is the first that is kept.
    Expired(i32),
    /// Some tenants' rows are past the retention of these; the others are in the files that are added, if there are any.
    TenantsExpired,
}

/// Files that storage must keep.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Those that the table has, and those that were written for a commit that may still be made.
    pub(crate) paths: HashSet<Path>,
}

impl DeltaTable {
    /// Makes the change, unless it is made already or a file that it takes out is not there any more. Says whether the table
    /// has it now. After an error nothing is known but that calling again does no harm.
    pub(crate) async fn change(&mut self, change: &Change) -> Result<bool, Error> {
        if std::mem::replace(&mut self.stale, true) {
            self.refresh().await?;
        }
        let known: HashSet<&Path> = self.files.iter().map(|file| &file.path).collect();
        let made = !change.added.is_empty() && change.added.iter().all(|new| known.contains(&new.file.path));
        let possible = change.removed.iter().all(|file| known.contains(&file.path));
        if !made && possible {
            self.commit_change(change).await?;
        }
        self.stale = false;
        Ok(made || possible)
    }

    async fn commit_change(&mut self, change: &Change) -> Result<(), Error> {
        let (table, now) = (self.table, self.clock.now());
        let data_change = change.reason != Reason::Joined;
        let operation = match change.reason {
            Reason::TenantsExpired => DeltaOperation::Delete { predicate: None },
            Reason::Joined => DeltaOperation::Optimize { predicate: None, target_size: 0 },
            Reason::Expired(first) => {
                DeltaOperation::Delete { predicate: Some(format!("{PARTITION} < '{}'", day(first))) }
            }
        };
        let removes = change.removed.iter().map(|file| Action::Remove(remove(table, file, data_change, now)));
        let adds = change.added.iter().map(|new| Action::Add(new.add(table, data_change, now)));
        // The library's own retry would not see that files were taken out already by a commit whose answer was lost.
        let properties = CommitProperties::default().with_max_retries(0);
        let added = change.added.iter().map(|new| new.file.clone()).collect();
        self.commit_actions(removes.chain(adds).collect(), properties, operation, &change.removed, added).await
    }

    /// Makes sure of what the table has, and says which files storage must keep for it.
    pub(crate) async fn settle(&mut self) -> Result<Kept, Error> {
        if std::mem::replace(&mut self.stale, true) {
            self.refresh().await?;
        }
        self.stale = false;
        let written = self.written.iter().flat_map(|written| written.files.iter().map(|new| &new.file));
        Ok(Kept { paths: self.files.iter().chain(written).map(|file| file.path.clone()).collect() })
    }
}
