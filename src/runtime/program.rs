//! Owns a loaded and linked guest: what every environment of a function version is started from. It runs nothing.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wasmtime::{ExternType, InstancePre};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::GuestKind;
use super::artifact::{Loaded, load};
use super::engine::{Engines, Host};
use super::state::State;

/// A guest's code, mapped once and linked to the host.
pub(super) struct Program {
    path: PathBuf,
    fuel: bool,
    linked: Linked,
    /// The same guest for the engine that allocates on demand, loaded when the pool first has no room.
    spare: OnceLock<Linked>,
}

/// A guest whose imports are resolved.
pub(super) enum Linked {
    Component(ProxyPre<State>),
    Module(InstancePre<State>),
}

impl Program {
    /// Loads the artifact at `path`: for the pool, or on demand where it does not fit a slot. `fuel` says whether it was
    /// compiled to count its instructions.
    pub(super) fn load(engines: &Engines, path: &Path, fuel: bool) -> wasmtime::Result<Self> {
        let pair = engines.pair(fuel)?;
        let linked = match Linked::load(&pair.pooled, path) {
            Ok(linked) => linked,
            // Where the fault is not the pool's, the second engine finds it too.
            Err(_) => Linked::load(&pair.on_demand, path)?,
        };
        Ok(Self { path: path.to_owned(), fuel, linked, spare: OnceLock::new() })
    }

    pub(super) fn linked(&self) -> &Linked {
        &self.linked
    }

    /// The guest for the engine that allocates on demand.
    pub(super) fn spare(&self, engines: &Engines) -> wasmtime::Result<&Linked> {
        if let Some(spare) = self.spare.get() {
            return Ok(spare);
        }
        let spare = Linked::load(&engines.pair(self.fuel)?.on_demand, &self.path)?;
        Ok(self.spare.get_or_init(|| spare))
    }

    pub(super) fn kind(&self) -> GuestKind {
        match self.linked {
            Linked::Component(_) => GuestKind::WasiHttp,
            Linked::Module(_) => GuestKind::WasiPreview1,
        }
    }
}

impl Linked {
    fn load(host: &Host, path: &Path) -> wasmtime::Result<Self> {
        match load(&host.engine, path)? {
            Loaded::Component(component) => {
                let pre = host.components.instantiate_pre(&component)?;
                ProxyPre::new(pre).map(Self::Component)
            }
            Loaded::Module(module) => {
                let plain =
                    |ty: &ExternType| ty.func().is_some_and(|ty| ty.params().len() == 0 && ty.results().len() == 0);
                if !module.get_export("_start").as_ref().is_some_and(plain) {
                    return Err(wasmtime::Error::msg("its `_start` is not a function without parameters and results"));
                }
                host.modules.instantiate_pre(&module).map(Self::Module)
            }
        }
    }

    pub(super) fn engine(&self) -> &wasmtime::Engine {
        match self {
            Self::Component(pre) => pre.engine(),
            Self::Module(pre) => pre.module().engine(),
        }
    }
}
