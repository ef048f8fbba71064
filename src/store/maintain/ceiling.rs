//! Owns the limits of the disk: how much of it tables and log take, how much is free, and whether more may come in. What was
//! acknowledged is committed all the same, and joining and deleting go on: they bring it back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use crate::store::live::Live;
use crate::store::{Config, Disk, DiskLevel, Error, NoSpace, Table};

/// The state of the disk as it was when it was last looked at.
pub(crate) struct Ceiling {
    dir: PathBuf,
    live: Arc<Live>,
    /// Bytes in the tables' folders that are not of their files: the tables' logs, and files that wait to be deleted.
    beside: AtomicU64,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    disk: Disk,
    refused: Option<NoSpace>,
}

impl Ceiling {
    pub(crate) fn new(config: &Config, live: Arc<Live>) -> Self {
        let disk = Disk {
            limit_bytes: config.disk_limit_bytes,
            min_free_bytes: config.min_free_bytes,
            free_bytes: u64::MAX,
            ..Disk::default()
        };
        let state = Mutex::new(State { disk, refused: None });
        let ceiling = Self { dir: config.dir.clone(), live, beside: AtomicU64::new(0), state };
        ceiling.update();
        ceiling
    }

    /// Refuses while a limit is reached.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.state().refused.map_or(Ok(()), |why| Err(Error::NoSpace(why)))
    }

    pub(crate) fn disk(&self) -> Disk {
        self.state().disk
    }

    /// Notes what the tables' folders hold in all.
    pub(super) fn measured(&self, bytes: u64) {
        self.beside.store(bytes.saturating_sub(self.table_bytes()), Ordering::Relaxed);
    }

    /// Notes that files left their tables and wait to be deleted.
    pub(super) fn left_behind(&self, bytes: u64) {
        self.beside.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Looks at the disk.
    pub(super) async fn look(self: &Arc<Self>) {
        let this = Arc::clone(self);
        if let Err(error) = tokio::task::spawn_blocking(move || this.update()).await {
            warn!(%error, "cannot look at the disk");
        }
    }

    fn update(&self) {
        let beside = self.beside.load(Ordering::Relaxed);
        let used = self.table_bytes().saturating_add(beside).saturating_add(log_bytes(&self.dir.join("wal")));
        let free = free_bytes(&self.dir);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.disk.level;
        state.disk.used_bytes = used;
        // Where it cannot be told, nobody is refused for it.
        state.disk.free_bytes = free.unwrap_or(u64::MAX);
        (state.disk.level, state.refused) = judge(&state.disk);
        let State { disk, refused } = *state;
        drop(state);
        tell(before, &disk, refused);
    }

    fn table_bytes(&self) -> u64 {
        let bytes = |table| self.live.files(table).iter().map(|file| file.bytes).sum::<u64>();
        Table::ALL.into_iter().map(bytes).sum()
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says it once for each crossing.
fn tell(before: DiskLevel, disk: &Disk, refused: Option<NoSpace>) {
    let Disk { used_bytes, free_bytes, level, .. } = *disk;
    if level == before {
        return;
    }
    match (level, refused) {
        (DiskLevel::Full, Some(why)) => warn!(used_bytes, free_bytes, "nothing more is accepted: {why}"),
        (DiskLevel::Room, _) => info!(used_bytes, free_bytes, "there is room on the disk again"),
        _ => warn!(used_bytes, free_bytes, "the disk is filling up: at the limit nothing more is accepted"),
    }
}

/// How near the limits are, and which one is reached.
fn judge(disk: &Disk) -> (DiskLevel, Option<NoSpace>) {
    let Disk { used_bytes: used, limit_bytes, free_bytes: free, min_free_bytes: least, .. } = *disk;
    match limit_bytes {
        Some(limit) if used >= limit => return (DiskLevel::Full, Some(NoSpace::Limit { used, limit })),
        _ if free < least => return (DiskLevel::Full, Some(NoSpace::Disk { free, least })),
        _ => {}
    }
    // Four fifths, without a product that might not fit.
    let low = limit_bytes.is_some_and(|limit| used >= limit - limit / 5) || free < least.saturating_add(least / 4);
    (if low { DiskLevel::Low } else { DiskLevel::Room }, None)
}

/// Bytes of the write-ahead log.
fn log_bytes(wal: &Path) -> u64 {
    let entries = fs::read_dir(wal).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

/// Bytes that a program without privileges may still write.
fn free_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(used_bytes: u64, limit_bytes: Option<u64>, free_bytes: u64, min_free_bytes: u64) -> Disk {
        Disk { used_bytes, limit_bytes, free_bytes, min_free_bytes, level: DiskLevel::Room }
    }

    #[test]
    fn four_fifths_of_a_limit_warn_and_all_of_it_refuses() {
        let level = |used, free| judge(&disk(used, Some(1_000), free, 100));
        assert_eq!(level(799, 1_000), (DiskLevel::Room, None));
        assert_eq!(level(800, 1_000), (DiskLevel::Low, None));
        assert_eq!(level(1_000, 1_000), (DiskLevel::Full, Some(NoSpace::Limit { used: 1_000, limit: 1_000 })));
        assert_eq!(level(0, 124), (DiskLevel::Low, None));
        assert_eq!(level(0, 125), (DiskLevel::Room, None));
        assert_eq!(level(0, 99), (DiskLevel::Full, Some(NoSpace::Disk { free: 99, least: 100 })));
        assert_eq!(judge(&disk(u64::MAX, None, 0, 0)), (DiskLevel::Room, None));
    }

    #[test]
    fn the_disk_says_what_is_free() {
        assert!(free_bytes(Path::new("/")).is_some());
        assert_eq!(free_bytes(Path::new("/there/is/no/such/folder")), None);
    }
}
