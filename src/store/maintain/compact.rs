//! Owns the joining of files: opening them, merging them on a thread of its own, putting what comes out, and handing the
//! change to the committer. What is interrupted leaves a file that no table names, which the vacuum deletes.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use rand::RngCore;
use tokio_util::sync::CancellationToken;

use crate::store::delta::{Change, NewFile, Reason, Source, merge};
use crate::store::{DataFile, Error, Table};

use super::{Maintainer, plan};

/// Files that are opened at the same time.
const READS: usize = 8;

impl Maintainer {
    /// Joins the next files of the table that are to be joined. False when there are none.
    pub(super) async fn join_next(&mut self, table: Table, stop: &CancellationToken) -> Result<bool, Error> {
        let files = self.live.files(table);
        let Some(removed) = plan::next(&files, self.clock.now(), &self.config.maintenance) else { return Ok(false) };
        let date = removed[0].date;
        let rows = removed.iter().map(|file| file.rows).sum();
        let inputs = open(table, Arc::clone(&self.object_store), &removed).await?;
        let stop = stop.clone();
        let merging = tokio::task::spawn_blocking(move || merge(table, date, inputs, rows, &stop));
        let merged = merging.await.map_err(|error| Error::Internal(format!("joining files: {error}")))??;
        let name = format!("joined-{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        let new = NewFile::put(table, &self.object_store, &self.rollups, &name, merged).await?;
        let change = Change { reason: Reason::Joined, removed, added: vec![new] };
        // Files that are gone meanwhile are no failure: the next plan is made of those that are there.
        self.change(table, change).await
    }
}

pub(super) async fn open(table: Table, store: Arc<dyn ObjectStore>, files: &[DataFile]) -> Result<Vec<Source>, Error> {
    let get = |path| {
        let store = Arc::clone(&store);
        async move { Source::open(&*store, &path).await }
    };
    let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
    let all = futures::stream::iter(paths).map(get).buffered(READS).try_collect().await;
    all.map_err(|source| Error::Storage { table, source })
}
