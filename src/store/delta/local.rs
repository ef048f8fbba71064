//! Owns the folder that tables are kept in: the local file system, but a file that was put is on the disk when the put
//! returns, so that the log may forget what the file holds. It does not know Delta.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryFutureExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// The folder in which files are written before they get their names.
const STAGED: &str = "_staged";

/// A folder of the local file system whose `put` ends in fsync of file and folders, and whose listings are sorted. Folders
/// that become empty are deleted.
#[derive(Debug)]
pub(crate) struct SyncedFolder {
    inner: LocalFileSystem,
    root: PathBuf,
    staged: AtomicU64,
}

impl SyncedFolder {
    /// The folder must exist, and be nobody else's: what an interrupted write left in it is deleted.
    pub(crate) fn new(root: &FsPath) -> Result<Self> {
        let inner = LocalFileSystem::new_with_prefix(root)?.with_automatic_cleanup(true);
        let staged = root.join(STAGED);
        let emptied = match fs::remove_dir_all(&staged) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&staged),
        };
        let failed = |source: io::Error| Error::Generic { store: "SyncedFolder", source: source.into() };
        emptied.map_err(failed)?;
        Ok(Self { inner, root: root.to_owned(), staged: AtomicU64::new(0) })
    }
}

impl fmt::Display for SyncedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncedFolder({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for SyncedFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, opts).await,
        };
        let target = self.inner.path_to_filesystem(location)?;
        let root = self.root.clone();
        let staged = root.join(STAGED).join(self.staged.fetch_add(1, Ordering::Relaxed).to_string());
        let write = move || put(&root, &target, &staged, &payload, create);
        let written = tokio::task::spawn_blocking(write).await?;
        let path = || location.to_string();
        written.map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyExists { path: path(), source: source.into() },
            _ => Error::Generic { store: "SyncedFolder", source: format!("{location}: {source}").into() },
        })?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let (target, inner) = (self.inner.path_to_filesystem(location)?, self.inner.put_multipart_opts(location, opts));
        Ok(Box::new(SyncedUpload { target, root: self.root.clone(), inner: inner.await? }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_after(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_after(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// A file that is put in parts; large checkpoints are.
#[derive(Debug)]
struct SyncedUpload {
    target: PathBuf,
    root: PathBuf,
    inner: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let (target, root) = (self.target.clone(), self.root.clone());
        let sync = move || {
            File::open(&target)?.sync_all()?;
            target.ancestors().skip(1).take_while(|parent| parent.starts_with(&root)).try_for_each(sync_folder)
        };
        let synced = tokio::task::spawn_blocking(sync).await?;
        synced.map_err(|source| Error::Generic { store: "SyncedFolder", source: source.into() })?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

impl SyncedFolder {
    /// The files behind `offset` in the order of names, as cloud stores give them and the Delta library expects them. Files
    /// before it cost no more than their names: each commit asks for the few newest of a table's log.
    fn list_after(&self, prefix: Option<&Path>, offset: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let (root, offset) = (self.root.clone(), offset.cloned().unwrap_or_default());
        let list = async move {
            let listing = move || {
                let mut found = Vec::new();
                list_folder(&root.join(prefix.as_ref()), prefix.as_ref(), offset.as_ref(), &mut found)?;
                found.sort_by(|one, other| one.location.cmp(&other.location));
                Ok(found)
            };
            let failed = |source: io::Error| Error::Generic { store: "SyncedFolder", source: source.into() };
            let found = tokio::task::spawn_blocking(listing).await?.map_err(failed)?;
            Ok(stream::iter(found.into_iter().map(Ok)))
        };
        list.try_flatten_stream().boxed()
    }
}

/// Adds the files of a folder and of those in it. One that vanishes meanwhile is left out.
fn list_folder(folder: &FsPath, location: &str, offset: &str, found: &mut Vec<ObjectMeta>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    // Where the offset lies in this folder, most names need not be joined to a path.
    let rest = offset.strip_prefix(location);
    let within = if location.is_empty() { rest } else { rest.and_then(|rest| rest.strip_prefix('/')) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_folder = entry.file_type()?.is_dir();
        let Some(name) = name.to_str().filter(|name| is_folder || within.is_none_or(|rest| *name > rest)) else {
            continue;
        };
        let path = if location.is_empty() { name.to_owned() } else { format!("{location}/{name}") };
        if is_folder {
            list_folder(&entry.path(), &path, offset, found)?;
        // With a '#' end the files that the library writes in parts, until they are whole.
        } else if path.as_str() > offset
            && !name.contains('#')
            && let Ok(location) = Path::parse(path)
        {
            match entry.metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                file => found.push(meta(location, &file?)?),
            }
        }
    }
    Ok(())
}

fn meta(location: Path, file: &fs::Metadata) -> io::Result<ObjectMeta> {
    Ok(ObjectMeta { location, last_modified: file.modified()?.into(), size: file.len(), e_tag: None, version: None })
}

/// Writes elsewhere, syncs, and gives it the name: a reader sees all of it or nothing, after a power cut too.
fn put(root: &FsPath, target: &FsPath, staged: &FsPath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let folder = target.parent().unwrap_or(root);
    let name = || {
        create_folders(root, folder)?;
        if create { fs::hard_link(staged, target) } else { fs::rename(staged, target) }
    };
    let written = (|| {
        let mut file = File::create(staged)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()?;
        match name() {
            // The folder became empty and was deleted just now.
            Err(error) if error.kind() == ErrorKind::NotFound => name(),
            named => named,
        }
    })();
    if create || written.is_err() {
        // What is left behind is never read; the error that matters is the other one.
        let _ = fs::remove_file(staged);
    }
    written?;
    sync_folder(folder)
}

/// Makes the folder, and syncs those that gained one.
fn create_folders(root: &FsPath, folder: &FsPath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let gained = folder.ancestors().skip(1).take_while(|parent| parent.starts_with(root));
    gained.into_iter().try_for_each(sync_folder)
}

fn sync_folder(folder: &FsPath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;

    use super::*;

    fn names(folder: &FsPath) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_name_is_created_once_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let store = SyncedFolder::new(dir.path()).unwrap();
        let path = Path::from("table/log/1.json");
        let put = async |content: &'static str, mode: PutMode| store.put_opts(&path, content.into(), mode.into()).await;
        put("one", PutMode::Create).await.unwrap();
        assert!(matches!(put("two", PutMode::Create).await, Err(Error::AlreadyExists { .. })));
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one");
        put("three", PutMode::Overwrite).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "three");
        assert_eq!(names(&dir.path().join("table/log")), ["1.json"]);
    }

    #[tokio::test]
    async fn parts_become_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = SyncedFolder::new(dir.path()).unwrap();
        let path = Path::from("a/b");
        let mut upload = store.put_multipart(&path).await.unwrap();
        upload.put_part("one".into()).await.unwrap();
        upload.put_part("two".into()).await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "onetwo");
        assert_eq!(names(&dir.path().join("a")), ["b"]);
    }

    #[tokio::test]
    async fn listings_are_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let store = SyncedFolder::new(dir.path()).unwrap();
        for number in (0..50).rev() {
            store.put(&Path::from(format!("log/{number:03}")), "".into()).await.unwrap();
        }
        let prefix = Path::from("log");
        let listed: Vec<Path> = store.list(Some(&prefix)).map_ok(|found| found.location).try_collect().await.unwrap();
        assert!(listed.len() == 50 && listed.is_sorted());
        let after = store.list_with_offset(Some(&prefix), &Path::from("log/024"));
        let listed: Vec<Path> = after.map_ok(|found| found.location).try_collect().await.unwrap();
        assert!(listed.len() == 25 && listed.is_sorted());
    }

    #[tokio::test]
    async fn what_an_interrupted_write_left_is_gone_after_a_start_and_so_are_empty_folders() {
        let dir = tempfile::tempdir().unwrap();
        let store = SyncedFolder::new(dir.path()).unwrap();
        fs::write(dir.path().join(STAGED).join("7"), "half").unwrap();
        let path = Path::from("table/date=2026-03-01/part.parquet");
        store.put(&path, "rows".into()).await.unwrap();
        drop(store);
        let store = SyncedFolder::new(dir.path()).unwrap();
        assert!(names(&dir.path().join(STAGED)).is_empty());
        store.delete(&path).await.unwrap();
        assert_eq!(names(dir.path()), [STAGED]);
        store.put(&path, "rows".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "rows");
    }
}
