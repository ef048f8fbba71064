//! Owns where the side files of data files are: putting them, finding them at start and making those that are missing, and
//! what a view of `invocations` has of them. What is in them is `side`'s; when they are deleted is the vacuum's.
//!
//! A data file is put after its side files are there, and deleted before they are. So each file of a view has its rollup,
//! and a view of the rollup is of the very rows that the view of the table is of: there is nothing to correct later.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tracing::{info, warn};

use crate::store::delta::{Source, rows_of};
use crate::store::{Bound, Bounds, DataFile, Error, Table, View};

use super::fresh::Fresh;
use super::roll::{floor_to, unit_of};
use super::schema::{BUCKET, Rollup};
use super::side::{Roller, Sides};

/// The folder of all side files.
const ROOT: &str = "rollups";
/// The folder in it of files with the columns that this program knows. Another number has them all made again.
const FORMAT: &str = "1";

/// One rollup at the moment of a view of `invocations`: each row of the view is in it once.
#[derive(Clone)]
pub struct RollupView {
    /// Which.
    pub rollup: Rollup,
    /// Where `files` are.
    pub object_store: Arc<dyn ObjectStore>,
    /// Files without the column `date`. Their `rows` are those of their data files: they have no more.
    pub files: Vec<DataFile>,
    /// The rollup of rows that are not in a file yet.
    pub batches: Vec<RecordBatch>,
}

/// The side files of the data files that there are.
pub(crate) struct Rollups {
    object_store: Arc<dyn ObjectStore>,
    /// For each data file, how many bytes each of its side files has; none where it has no rows.
    known: RwLock<HashMap<Path, Sizes>>,
    fresh: Fresh,
}

type Sizes = [Option<u64>; 3];

impl Rollups {
    /// Knows none yet.
    pub(crate) fn new(object_store: Arc<dyn ObjectStore>) -> Self {
        Self { object_store, known: RwLock::default(), fresh: Fresh::default() }
    }

    /// Finds the side files in storage, and makes those that the data files lack: a store of an older program has none.
    /// One data file is read at a time. What cannot be made is missing, and queries of the rollup say so.
    pub(crate) async fn recover(&self, files: &[DataFile]) -> Result<(), Error> {
        let mut found: HashMap<Path, Sizes> = HashMap::new();
        for side in self.list().await? {
            if let Some((rollup, data)) = parse(&side.location) {
                found.entry(data).or_default()[rollup as usize] = Some(side.size);
            }
        }
        // Minutes are put last: without them the others may be missing too.
        found.retain(|_, sizes| sizes[Rollup::Minute as usize].is_some());
        let missing: Vec<&DataFile> = files.iter().filter(|file| !found.contains_key(&file.path)).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = found;
        if missing.is_empty() {
            return Ok(());
        }
        let rows = missing.iter().map(|file| file.rows).sum::<u64>();
        info!(files = missing.len(), rows, "making the rollup of files that have none");
        for file in missing {
            if let Err(error) = self.make(file).await {
                warn!(path = %file.path, %error, "cannot make the rollup of a file: queries of that time will fail");
            }
        }
        info!(rows, "the rollup is made");
        Ok(())
    }

    async fn make(&self, file: &DataFile) -> Result<(), Error> {
        let source = Source::open(&*self.object_store, &file.path).await.map_err(storage)?;
        let rolling = tokio::task::spawn_blocking(move || {
            let mut roller = Roller::new()?;
            for rows in rows_of(Table::Invocations, source)? {
                roller.add(&rows?)?;
            }
            roller.finish()
        });
        let sides = rolling.await.map_err(|error| Error::Internal(format!("making a rollup: {error}")))??;
        self.put(&file.path, sides).await
    }

    /// Puts a data file's side files. The data file may be put when this returns.
    pub(crate) async fn put(&self, data: &Path, sides: Sides) -> Result<(), Error> {
        let sizes = sides.files.each_ref().map(|bytes| bytes.as_ref().map(|bytes| bytes.len() as u64));
        let [minute, hour, errors] = sides.files;
        futures::try_join!(self.put_one(Rollup::Hour, data, hour), self.put_one(Rollup::Errors, data, errors))?;
        self.put_one(Rollup::Minute, data, minute).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(data.clone(), sizes);
        Ok(())
    }

    async fn put_one(&self, rollup: Rollup, data: &Path, bytes: Option<Vec<u8>>) -> Result<(), Error> {
        let Some(bytes) = bytes else { return Ok(()) };
        self.object_store.put(&path(rollup, data), bytes.into()).await.map(drop).map_err(storage)
    }

    /// A rollup of the very rows of `rows`, which must be a view of `invocations`.
    pub(crate) fn view(&self, rollup: Rollup, rows: &View) -> Result<RollupView, Error> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut files = Vec::with_capacity(rows.files.len());
        for file in rows.files.iter() {
            let sizes = known.get(&file.path).ok_or_else(|| {
                Error::Internal(format!("the rollup of {} is missing: the next start makes it", file.path))
            })?;
            files.extend(sizes[rollup as usize].map(|bytes| side_file(rollup, file, bytes)));
        }
        drop(known);
        let batches = self.fresh.of(rollup, &rows.batches)?;
        Ok(RollupView { rollup, object_store: Arc::clone(&self.object_store), files, batches })
    }

    /// Every side file in storage, those of other formats included.
    pub(crate) async fn list(&self) -> Result<Vec<ObjectMeta>, Error> {
        self.object_store.list(Some(&Path::from(ROOT))).try_collect().await.map_err(storage)
    }

    /// Forgets data files that are deleted.
    pub(crate) fn forget<'a>(&self, data: impl Iterator<Item = &'a Path>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for path in data {
            known.remove(path);
        }
    }
}

/// The data file that a side file is of; none where it is of another format.
pub(crate) fn data_of(side: &Path) -> Option<Path> {
    parse(side).map(|(_, data)| data)
}

fn parse(side: &Path) -> Option<(Rollup, Path)> {
    let rest = side.as_ref().strip_prefix(ROOT)?.strip_prefix('/')?.strip_prefix(FORMAT)?.strip_prefix('/')?;
    let (folder, data) = rest.split_once('/')?;
    let rollup = Rollup::ALL.into_iter().find(|rollup| rollup.folder() == folder)?;
    Some((rollup, Path::parse(data).ok()?))
}

fn path(rollup: Rollup, data: &Path) -> Path {
    let path = format!("{ROOT}/{FORMAT}/{}/{data}", rollup.folder());
    Path::parse(path).expect("a path below folders with plain names is one")
}

/// A side file as queries know it: what is known of its data file's time and names is known of it too.
fn side_file(rollup: Rollup, data: &DataFile, bytes: u64) -> DataFile {
    let unit = unit_of(rollup);
    let floored = |bound: &Bound| match bound {
        Bound::TimestampMicros(at) => Bound::TimestampMicros(floor_to(*at, unit)),
        other => other.clone(),
    };
    let bounds = data.bounds.iter().filter_map(|(name, Bounds { min, max, nulls })| match name.as_str() {
        "started_at" => Some((BUCKET.to_owned(), Bounds { min: floored(min), max: floored(max), nulls: 0 })),
        "tenant" | "function" => Some((name.clone(), Bounds { min: min.clone(), max: max.clone(), nulls: *nulls })),
        _ => None,
    });
    DataFile { path: path(rollup, &data.path), bytes, rows: data.rows, date: data.date, bounds: bounds.collect() }
}

fn storage(source: object_store::Error) -> Error {
    Error::Storage { table: Table::Invocations, source }
}
