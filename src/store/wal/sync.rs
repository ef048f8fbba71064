//! Owns the thread that syncs the log: at the latest an interval after a write, at once where somebody waits for it. It is
//! a thread of its own so that appends that do not wait for the disk never do.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::error;

use crate::store::Error;

use super::Fault;

/// Who waits for an append.
pub(crate) type Waiter = oneshot::Sender<Result<(), Error>>;

/// The thread, and what it has to do.
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
    fault: Arc<Fault>,
    wal: PathBuf,
    interval: Duration,
}

#[derive(Default)]
struct Work {
    /// Files with bytes that are not known to be on the disk: the active segment, and those sealed since the last sync.
    files: Vec<Arc<File>>,
    /// Whether a file was made since the folder was synced.
    folder: bool,
    waiters: Vec<Waiter>,
    closed: bool,
}

impl Syncer {
    /// Starts the thread.
    pub(crate) fn start(wal: &Path, interval: Duration, fault: Arc<Fault>) -> std::io::Result<Self> {
        let (work, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { work, changed, fault, wal: wal.to_owned(), interval });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("faremeter-wal-sync".to_owned());
        let thread = Some(thread.spawn(move || of_thread.run())?);
        Ok(Self { shared, thread })
    }

    /// Notes that `file` was written to; the waiters are answered when it is on the disk.
    pub(crate) fn written(&self, file: &Arc<File>, waiters: Vec<Waiter>) {
        let mut work = self.shared.lock();
        let wake = work.files.is_empty() || !waiters.is_empty();
        if !work.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            work.files.push(Arc::clone(file));
        }
        work.waiters.extend(waiters);
        drop(work);
        if wake {
            self.shared.changed.notify_one();
        }
    }

    /// Notes that `file` was made.
    pub(crate) fn created(&self, file: &Arc<File>) {
        self.shared.lock().folder = true;
        self.written(file, Vec::new());
    }
}

/// Syncs what is left and ends the thread.
impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            error!("the thread that syncs the log panicked");
        }
    }
}

impl Shared {
    fn run(&self) {
        let _guard = self.fault.on_panic("the thread that syncs the log panicked");
        loop {
            let idle = |work: &mut Work| work.files.is_empty() && !work.closed;
            let work = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let unhurried = |work: &mut Work| work.waiters.is_empty() && !work.closed;
            let work = self.changed.wait_timeout_while(work, self.interval, unhurried);
            let (mut work, _) = work.unwrap_or_else(PoisonError::into_inner);
            let closed = work.closed;
            let todo = std::mem::take(&mut *work);
            work.closed = closed;
            drop(work);
            if todo.files.is_empty() && closed {
                return;
            }
            self.sync(todo);
        }
    }

    fn sync(&self, work: Work) {
        let folder = if work.folder { File::open(&self.wal).and_then(|folder| folder.sync_all()) } else { Ok(()) };
        let synced = folder.and_then(|()| work.files.iter().try_for_each(|file| file.sync_data()));
        if let Err(error) = &synced {
            // After a failed fsync the kernel may have dropped the pages: trying again would prove nothing.
            self.fault.set(format!("cannot sync the log: {error}"));
        }
        for waiter in work.waiters {
            let answer = self.fault.get().map_or(Ok(()), |why| Err(Error::Faulty(why)));
            // Whoever gave up waiting needs no answer.
            let _ = waiter.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
