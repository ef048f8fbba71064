//! Owns compiled artifacts and the sources they are made from, on disk. An artifact is found by the hash of its source and
//! of everything about the engine that its code depends on: what another version of Faremeter left is not taken for ours.
//! A source whose instructions are to be counted is another build, beside the plain one.
//! Only files that this process's user wrote to `artifacts_dir` are run; an upload never gets there.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::check::kind;
use super::engine::Engines;
use super::{Config, Error, GuestKind, Source, check};
use crate::model::FunctionVersion;

/// What the name of a file that is being written ends with.
const TEMPORARY: &str = "tmp";

/// The artifacts, and the worker that makes them: one at a time, as one compilation uses every processor.
pub(super) struct Artifacts {
    artifacts_dir: PathBuf,
    sources_dir: PathBuf,
    engines: Arc<Engines>,
    /// Stands for the engines in file names; those that count differ from the plain ones by that alone.
    fingerprint: String,
    worker: Semaphore,
    compiled: AtomicU64,
}

/// Names an artifact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Build<'a> {
    /// Of the source.
    pub(super) sha256: &'a str,
    /// Whether its instructions are counted.
    pub(super) fuel: bool,
}

impl<'a> Build<'a> {
    /// What calls of this version run.
    pub(super) fn of(function: &'a FunctionVersion) -> Self {
        Self { sha256: &function.sha256, fuel: function.spec.fuel }
    }
}

impl Source {
    /// What is made of it.
    pub(super) fn build(&self) -> Build<'_> {
        Build { sha256: &self.sha256, fuel: self.fuel }
    }
}

/// An artifact mapped into memory.
pub(super) enum Loaded {
    Component(Component),
    Module(Module),
}

impl Artifacts {
    /// Makes the directories.
    pub(super) fn open(config: &Config, engines: Arc<Engines>) -> Result<Self, Error> {
        for dir in [&config.artifacts_dir, &config.sources_dir] {
            std::fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
            remove_unfinished(dir).map_err(|error| unwritable(dir, &error))?;
        }
        let mut hasher = Fingerprint(Sha256::new());
        engines.plain.pooled.engine.precompile_compatibility_hash().hash(&mut hasher);
        let fingerprint = hasher.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let (artifacts_dir, sources_dir) = (config.artifacts_dir.clone(), config.sources_dir.clone());
        let (worker, compiled) = (Semaphore::new(1), AtomicU64::new(0));
        Ok(Self { artifacts_dir, sources_dir, engines, fingerprint, worker, compiled })
    }

    /// Whether an artifact is there.
    pub(super) fn is_ready(&self, build: Build<'_>) -> bool {
        is_sha256(build.sha256) && self.artifact(build).is_file()
    }

    /// Where an artifact is, or would be.
    pub(super) fn artifact(&self, Build { sha256, fuel }: Build<'_>) -> PathBuf {
        let counted = if fuel { "-fuel" } else { "" };
        self.artifacts_dir.join(format!("{sha256}-{}{counted}.cwasm", self.fingerprint))
    }

    /// Artifacts compiled since the start.
    pub(super) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// Forgets an artifact that turned out not to be usable.
    pub(super) fn discard(&self, build: Build<'_>) {
        let _ = std::fs::remove_file(self.artifact(build));
    }

    /// Keeps the source, so that its artifact can be made again.
    pub(super) fn keep_source(&self, source: &Source) -> Result<(), Error> {
        let path = self.source(&source.sha256);
        if path.is_file() { Ok(()) } else { write(&path, &source.wasm) }
    }

    /// Reads a kept source.
    pub(super) fn read_source(&self, sha256: &str) -> Result<Source, Error> {
        if !is_sha256(sha256) {
            return Err(Error::Platform(format!("'{sha256}' is not a SHA-256")));
        }
        let path = self.source(sha256);
        let wasm = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let kind = kind(&wasm).filter(|_| check::sha256(&wasm) == sha256);
        let kind =
            kind.ok_or_else(|| Error::Platform(format!("{} was changed after its deployment", path.display())))?;
        Ok(Source { sha256: sha256.to_owned(), wasm: wasm.into(), kind, fuel: false })
    }

    /// Makes the artifact of `source`, unless it is there, and keeps the source. Waits for its turn; says whether it was made.
    pub(super) async fn make(self: &Arc<Self>, source: Source) -> Result<bool, Error> {
        let _turn = self.worker.acquire().await.map_err(|_| Error::Platform("the compiler has stopped".to_owned()))?;
        let artifacts = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || {
            artifacts.keep_source(&source)?;
            if artifacts.is_ready(source.build()) { Ok(false) } else { artifacts.compile(&source).map(|()| true) }
        });
        made.await.map_err(|error| Error::Platform(format!("the compiler failed: {error}")))?
    }

    fn compile(&self, source: &Source) -> Result<(), Error> {
        let pair = self.engines.pair(source.fuel).map_err(|error| Error::Platform(format!("{error:#}")))?;
        let compiled = match source.kind {
            GuestKind::WasiHttp => pair.pooled.engine.precompile_component(&source.wasm),
            GuestKind::WasiPreview1 => pair.pooled.engine.precompile_module(&source.wasm),
        };
        let compiled = compiled.map_err(|error| Error::InvalidGuest(format!("it cannot be compiled: {error:#}")))?;
        write(&self.artifact(source.build()), &compiled)?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn source(&self, sha256: &str) -> PathBuf {
        self.sources_dir.join(format!("{sha256}.wasm"))
    }
}

/// Maps the artifact at `path` into memory for `engine`.
#[expect(unsafe_code, reason = "only artifacts that this program compiled and wrote are in this directory")]
pub(super) fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Loaded> {
    match Engine::detect_precompiled_file(path)? {
        Some(wasmtime::Precompiled::Component) => {
            // SAFETY: the file is one that `write` put there whole, out of `precompile_component`; nothing changes it.
            unsafe { Component::deserialize_file(engine, path) }.map(Loaded::Component)
        }
        Some(wasmtime::Precompiled::Module) => {
            // SAFETY: as above, out of `precompile_module`.
            unsafe { Module::deserialize_file(engine, path) }.map(Loaded::Module)
        }
        None => Err(wasmtime::Error::msg(format!("{} is not an artifact", path.display()))),
    }
}

/// Writes a file whole or not at all: whoever sees the name sees everything.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        // Of this thread alone: the same file may be written by two at once.
        let temporary = path.with_extension(format!("{:?}.{TEMPORARY}", std::thread::current().id()));
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(dir)?.sync_all()
    };
    written().map_err(|error| unwritable(path, &error))
}

/// Removes what a crash left half-written.
fn remove_unfinished(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::Platform(format!("{} cannot be written: {error}", path.display()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Platform(format!("{} cannot be read: {error}", path.display()))
}

/// Keeps names that are no hash out of paths.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A hasher that gives the same for the same on every run, which the standard one does not promise.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
