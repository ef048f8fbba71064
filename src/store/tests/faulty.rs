//! An object store that fails when a test says so.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How a put fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing is put.
    Before,
    /// It is put, but the answer is lost.
    After,
}

/// Puts to paths that contain a text fail, so many times.
#[derive(Debug)]
struct Plan {
    text: String,
    failure: Failure,
    times: u32,
}

/// A store in memory.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    inner: InMemory,
    plan: Mutex<Option<Plan>>,
    failed: AtomicU32,
    read: Mutex<Vec<Path>>,
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn fail(&self, text: &str, failure: Failure, times: u32) {
        *self.plan.lock().expect("lock") = Some(Plan { text: text.to_owned(), failure, times });
    }

    pub(super) fn heal(&self) {
        *self.plan.lock().expect("lock") = None;
    }

    pub(super) fn failed(&self) -> u32 {
        self.failed.load(Ordering::SeqCst)
    }

    /// Paths that were read since the last call.
    pub(super) fn take_read(&self) -> Vec<Path> {
        std::mem::take(&mut *self.read.lock().expect("lock"))
    }

    /// Every object, and its size.
    pub(super) async fn objects(&self) -> Vec<(String, u64)> {
        let all: Vec<ObjectMeta> = self.inner.list(None).try_collect().await.expect("lists");
        all.into_iter().map(|found| (found.location.to_string(), found.size)).collect()
    }

    fn next(&self, location: &Path) -> Option<Failure> {
        let mut plan = self.plan.lock().expect("lock");
        let plan = plan.as_mut().filter(|plan| plan.times > 0 && location.as_ref().contains(&plan.text))?;
        plan.times -= 1;
        self.failed.fetch_add(1, Ordering::SeqCst);
        Some(plan.failure)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let failure = self.next(location);
        if failure != Some(Failure::Before) {
            let put = self.inner.put_opts(location, payload, opts).await;
            if failure.is_none() {
                return put;
            }
        }
        Err(Error::Generic { store: "Faulty", source: format!("{location}: made to fail").into() })
    }

    async fn put_multipart_opts(&self, at: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read.lock().expect("lock").push(location.clone());
        if location.as_ref().ends_with(".parquet") && self.next(location).is_some() {
            return Err(Error::Generic { store: "Faulty", source: format!("{location}: made to fail").into() });
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
