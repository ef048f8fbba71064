//! Owns the small relational state, in SQLite: functions, their versions and limits. Telemetry is `crate::store`'s.
//! What calls need is held in memory too, and always as the database has it: a change is written first, then shown.

mod recent;
mod row;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Mutex;

use crate::model::{FunctionSpec, FunctionVersion, VersionState};
use crate::units::Timestamp;

use recent::Recent;

/// Where the catalog is and how much it holds.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database file; made when it is not there.
    pub file: PathBuf,
    /// Functions, at most (10,000).
    pub max_functions: usize,
    /// Versions that are read at once, at most (100,000).
    pub max_versions_read: usize,
}

impl Config {
    /// The defaults, in `file`.
    #[must_use]
    pub fn at(file: PathBuf) -> Self {
        Self { file, max_functions: 10_000, max_versions_read: 100_000 }
    }
}

/// Why the catalog could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No function has this name.
    #[error("there is no function '{0}'")]
    NotFound(String),
    /// The function has no such version, or had it before it was removed.
    #[error("function '{function}' has no version {version}")]
    NoVersion { function: String, version: u32 },
    /// One more function would pass the limit.
    #[error("there are {0} functions already, the most that the catalog holds: remove one first")]
    TooMany(usize),
    /// There are more versions than may be read at once.
    #[error("the catalog holds more than {0} versions, the most that are read at once: remove a function first")]
    TooManyVersions(usize),
    /// The database failed.
    #[error("the catalog's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database is of another make.
    #[error("the catalog's database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row breaks the catalog's own rules.
    #[error("the catalog's row for function '{function}' is damaged: {reason}")]
    Damaged { function: String, reason: String },
}

/// A function as calls and lists see it.
#[derive(Debug, Clone)]
pub struct Function {
    /// The newest version, whatever its state.
    pub latest: Arc<FunctionVersion>,
    /// The version that calls run: the newest that became active, or the one that was chosen since.
    pub active: Option<Arc<FunctionVersion>>,
}

/// A version, and whether calls run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The version, whatever its state.
    pub version: FunctionVersion,
    /// Whether it is the one that calls run.
    pub is_active: bool,
}

/// The catalog. A cheap clone.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    pool: SqlitePool,
    max_functions: usize,
    max_versions_read: usize,
    /// Held by whoever changes something, so that changes are shown in the order they were written.
    changing: Mutex<()>,
    functions: RwLock<BTreeMap<String, Function>>,
    recent: RwLock<Recent>,
}

impl Catalog {
    /// Opens the database, brings it up to date and reads it.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(&config.file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::migrate!("src/catalog/migrations").run(&pool).await?;
        let functions = RwLock::new(row::load(&pool).await?);
        let (changing, recent) = (Mutex::new(()), RwLock::default());
        let Config { max_functions, max_versions_read, .. } = config;
        Ok(Self(Arc::new(Inner { pool, max_functions, max_versions_read, changing, functions, recent })))
    }

    /// The function with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Function> {
        self.read(|functions| functions.get(name).cloned())
    }

    /// Up to `limit` functions by name, those after `after`.
    #[must_use]
    pub fn list(&self, after: Option<&str>, limit: usize) -> Vec<Function> {
        let follows = |name: &str| after.is_none_or(|after| name > after);
        self.read(|functions| {
            functions.iter().filter(|(n, _)| follows(n)).take(limit).map(|(_, f)| f.clone()).collect()
        })
    }

    /// One version of a function, whatever its state.
    pub async fn version(&self, name: &str, version: u32) -> Result<Arc<FunctionVersion>, Error> {
        let function = self.get(name).ok_or_else(|| Error::NotFound(name.to_owned()))?;
        let known = [Some(&function.latest), function.active.as_ref()];
        if let Some(found) = known.into_iter().flatten().find(|known| known.version == version) {
            return Ok(Arc::clone(found));
        }
        if let Some(found) = self.0.recent.read().unwrap_or_else(PoisonError::into_inner).get(name, version) {
            return Ok(found);
        }
        let found = row::version(&self.0.pool, name, version).await?;
        let found = found.ok_or_else(|| Error::NoVersion { function: name.to_owned(), version })?;
        if found.state == VersionState::Active {
            self.keep(&function, &found);
        }
        Ok(found)
    }

    /// Up to `limit` versions of a function, the newest first, those older than `before`.
    pub async fn versions(
        &self,
        name: &str,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<Arc<FunctionVersion>>, Error> {
        if self.get(name).is_none() {
            return Err(Error::NotFound(name.to_owned()));
        }
        row::versions(&self.0.pool, name, before, limit).await
    }

    /// All versions of all functions, by name and number.
    pub async fn deployments(&self) -> Result<Vec<Deployment>, Error> {
        let most = self.0.max_versions_read;
        let deployments = row::deployments(&self.0.pool, most.saturating_add(1)).await?;
        if deployments.len() > most { Err(Error::TooManyVersions(most)) } else { Ok(deployments) }
    }

    /// Versions that still wait for the compiler, such as after a restart.
    pub async fn pending(&self) -> Result<Vec<Arc<FunctionVersion>>, Error> {
        row::pending(&self.0.pool).await
    }

    /// Records a new version, pending, and numbers it.
    pub async fn deploy(&self, spec: FunctionSpec, sha256: String, at: Timestamp) -> Result<FunctionVersion, Error> {
        let _changing = self.0.changing.lock().await;
        let count = self.read(BTreeMap::len);
        if count >= self.0.max_functions && self.get(&spec.name).is_none() {
            return Err(Error::TooMany(count));
        }
        let version = row::insert(&self.0.pool, spec, sha256, at).await?;
        let latest = Arc::new(version.clone());
        self.write(|functions| {
            let active = functions.get(&version.spec.name).and_then(|function| function.active.clone());
            functions.insert(version.spec.name.clone(), Function { latest, active });
        });
        Ok(version)
    }

    /// Records that the compiler is done with a version. The newest becomes active, unless an older one was chosen since
    /// it was deployed.
    pub async fn settle(&self, name: &str, version: u32, state: VersionState) -> Result<(), Error> {
        let _changing = self.0.changing.lock().await;
        let activated = row::settle(&self.0.pool, name, version, &state).await?;
        self.write(|functions| {
            let Some(function) = functions.get_mut(name) else { return };
            if function.latest.version == version {
                let latest = FunctionVersion { state: state.clone(), ..FunctionVersion::clone(&function.latest) };
                function.latest = Arc::new(latest);
                if activated {
                    function.active = Some(Arc::clone(&function.latest));
                }
            }
        });
        Ok(())
    }

    /// Makes calls run a version that has compiled. A later deployment moves on to its own.
    pub async fn activate(&self, name: &str, version: u32) -> Result<(), Error> {
        let _changing = self.0.changing.lock().await;
        let chosen = self.version(name, version).await?;
        if !row::activate(&self.0.pool, name, version).await? {
            return Err(Error::NoVersion { function: name.to_owned(), version });
        }
        self.write(|functions| {
            if let Some(function) = functions.get_mut(name) {
                function.active = Some(chosen);
            }
        });
        Ok(())
    }

    /// Removes a function. Its versions cannot be called again. Its telemetry stays; deployed again, its numbering goes on.
    pub async fn remove(&self, name: &str, at: Timestamp) -> Result<(), Error> {
        let _changing = self.0.changing.lock().await;
        if self.get(name).is_none() {
            return Err(Error::NotFound(name.to_owned()));
        }
        row::remove(&self.0.pool, name, at).await?;
        self.write(|functions| functions.remove(name));
        self.0.recent.write().unwrap_or_else(PoisonError::into_inner).forget(name);
        Ok(())
    }

    /// Closes the database, the last writes on disk.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    /// Keeps a version that was read while `function` was as it is here; had it been removed since, it is not kept.
    fn keep(&self, function: &Function, version: &Arc<FunctionVersion>) {
        self.read(|functions| {
            if functions.get(&version.spec.name).is_some_and(|now| Arc::ptr_eq(&now.latest, &function.latest)) {
                self.0.recent.write().unwrap_or_else(PoisonError::into_inner).keep(version);
            }
        });
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<String, Function>) -> T) -> T {
        look(&self.0.functions.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Function>) -> T) -> T {
        change(&mut self.0.functions.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
