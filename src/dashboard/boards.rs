//! Holds the boards that are shown: those of the program and those of a folder, whose changes are taken up while the program
//! runs. What is right is decided by `check`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::query::Engine;

use super::check::{Sound, Whose, check};
use super::folder::{Sources, Stamp, stamp};
use super::{Dashboard, Error, Faults, embedded, in_order};

/// Time between two looks at the folder (2 s).
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// All boards that are shown.
pub struct Boards {
    program: Vec<Arc<Dashboard>>,
    folder: Option<Folder>,
    shown: RwLock<Arc<[Arc<Dashboard>]>>,
}

/// A folder that is followed.
struct Folder {
    path: PathBuf,
    engine: Engine,
    taken: Mutex<Taken>,
    /// Whether somebody looks at the folder now.
    looking: AtomicBool,
}

/// What was last found in the folder.
#[derive(Default)]
struct Taken {
    looked: Option<Instant>,
    stamp: Stamp,
    /// The texts that are shown: all of them sound together.
    sound: Sources,
    /// What is wrong with the folder's files as they are now.
    faults: Option<Faults>,
}

impl Boards {
    /// The boards of the program and of `folder`, whose queries are added to the engine's. Fails where any is wrong.
    pub async fn open(engine: Engine, folder: Option<&Path>) -> Result<Self, Faults> {
        let program: Vec<Arc<Dashboard>> = embedded()?.into_iter().map(Arc::new).collect();
        let shown = RwLock::new(program.as_slice().into());
        let Some(path) = folder else { return Ok(Self { program, folder: None, shown }) };
        let one = |error: Error| Faults(vec![error]);
        let stamp = stamp(path).map_err(one)?;
        let sources = Sources::read(path).map_err(one)?;
        let sound = check(&engine, &sources, Whose::User).await?;
        let taken = Mutex::new(Taken { stamp, sound: sources, ..Taken::default() });
        let folder = Folder { path: path.to_owned(), engine, taken, looking: AtomicBool::new(false) };
        let boards = Self { program, folder: Some(folder), shown };
        boards.show(sound).map_err(|error| Faults(vec![error]))?;
        Ok(boards)
    }

    /// All boards as they are now, in the order of the navigation.
    #[must_use]
    pub fn all(&self) -> Arc<[Arc<Dashboard>]> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The board of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Dashboard>> {
        self.all().iter().find(|board| board.name == name).cloned()
    }

    /// What is wrong with the folder's files as they are now; what is shown is the last that was right.
    #[must_use]
    pub fn faults(&self) -> Option<Faults> {
        self.folder.as_ref()?.taken().faults.clone()
    }

    /// Takes up what was edited, if somebody else does not look just now and nobody did within the last 2 s before `now`. A
    /// file that became wrong stays as it was last right; the log says why, once.
    pub async fn follow(&self, now: Instant) {
        let Some(folder) = &self.folder else { return };
        let Some(_look) = folder.look(now) else { return };
        let path = folder.path.clone();
        let found = tokio::task::spawn_blocking(move || stamp(&path).map(|stamp| (stamp, Sources::read(&path)))).await;
        let (stamp, sources) = match found {
            Ok(Ok((stamp, Ok(sources)))) => (stamp, sources),
            Ok(Ok((_, Err(error))) | Err(error)) => return folder.refuse(Faults(vec![error])),
            Err(error) => return tracing::error!(%error, "the folder of dashboards could not be looked at"),
        };
        if folder.taken().stamp == stamp {
            return;
        }
        let before = folder.taken().sound.clone();
        let (sources, sound, faults) = match check(&folder.engine, &sources, Whose::User).await {
            Ok(sound) => (sources, Some(sound), None),
            Err(faults) => {
                let mended = mended(&sources, &before, &faults);
                let sound = check(&folder.engine, &mended, Whose::User).await.ok();
                (mended, sound, Some(faults))
            }
        };
        if let Some(sound) = sound {
            match self.show(sound) {
                Ok(()) => folder.taken().sound = sources,
                Err(error) => return folder.refuse(Faults(vec![error])),
            }
        }
        folder.taken().stamp = stamp;
        match faults {
            Some(faults) => folder.refuse(faults),
            None => {
                folder.taken().faults = None;
                tracing::info!(folder = %folder.path.display(), "edited dashboards were taken up");
            }
        }
    }

    fn show(&self, sound: Sound) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let file = folder.path.display().to_string();
        folder.engine.add(sound.queries).map_err(|error| Error { file, line: 1, reason: error.to_string() })?;
        let mut all = self.program.clone();
        all.extend(sound.boards.into_iter().map(Arc::new));
        in_order(&mut all);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = all.into();
        Ok(())
    }
}

/// The files as they are now, those that are wrong as they were last right, or left out where they never were.
fn mended(now: &Sources, before: &Sources, faults: &Faults) -> Sources {
    let mend = |files: &[super::folder::Source]| {
        let is_wrong = |file: &str| faults.0.iter().any(|fault| fault.file == file);
        let kept = files.iter().filter_map(|source| match is_wrong(&source.file) {
            true => before.file(&source.file).cloned(),
            false => Some(source.clone()),
        });
        kept.collect()
    };
    Sources { boards: mend(&now.boards), queries: mend(&now.queries) }
}

impl Folder {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to look, if it is time; it ends when it is dropped.
    fn look(&self, now: Instant) -> Option<Look<'_>> {
        let mut taken = self.taken();
        let is_early = taken.looked.is_some_and(|last| now.saturating_duration_since(last) < LOOK_EVERY);
        if is_early || self.looking.swap(true, Ordering::Relaxed) {
            return None;
        }
        taken.looked = Some(now);
        Some(Look(&self.looking))
    }

    /// Keeps what is wrong, and logs it where it was not known.
    fn refuse(&self, faults: Faults) {
        let mut taken = self.taken();
        if taken.faults.as_ref() != Some(&faults) {
            for fault in &faults.0 {
                tracing::warn!(%fault, "a dashboard's file is wrong: the last that was right is shown");
            }
        }
        taken.faults = Some(faults);
    }
}

/// A look at the folder that is under way.
struct Look<'a>(&'a AtomicBool);

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
