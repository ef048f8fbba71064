//! Owns the file that says what history a data folder has: from which settings, for which stretches of time, and whether
//! each is loaded whole. It does not know what is in the store.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::demo::traffic::Settings;
use crate::demo::{Error, measured, recipe, samples};
use crate::units::Timestamp;

/// The file in the data folder.
const FILE: &str = "demo-history.json";

/// What the command line asks for; what it leaves open is as it was, or the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Decides every draw (1).
    pub seed: Option<u64>,
    /// Whole days before the one of the start (65).
    pub days: Option<u32>,
    /// Calls in those days, about (1,000,000). With 0 nothing is loaded, and the rates are those of the default.
    pub invocations: Option<u64>,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    /// The digest of everything that decides the rows beside the settings.
    pub(super) recipe: String,
    seed: u64,
    day: i32,
    days: u32,
    invocations: u64,
    /// In the order of time.
    pub(super) stretches: Vec<Stretch>,
}

/// A stretch of time without a break, in which environments live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    /// µs since the epoch.
    pub(super) from_us: i64,
    /// The first moment that is not in it, µs since the epoch.
    pub(super) to_us: i64,
    /// Whether every row is in the store.
    pub(super) loaded: bool,
}

impl Wanted {
    /// What a folder without history gets.
    fn settings(self, now: Timestamp) -> Settings {
        Settings {
            seed: self.seed.unwrap_or(1),
            day: now.days(),
            days: self.days.unwrap_or(65),
            invocations: self.invocations.filter(|wanted| *wanted > 0).unwrap_or(1_000_000),
        }
    }

    /// Refuses what cannot be had in a folder that has its history.
    fn check(self, marker: &Marker) -> Result<(), Error> {
        let differs = |what: &'static str, wanted: Option<u64>, has: u64| match wanted {
            Some(wanted) if wanted != has => Err(Error::Differs { what, wanted, has }),
            _ => Ok(()),
        };
        differs("seed", self.seed, marker.seed)?;
        differs("days", self.days.map(u64::from), marker.days.into())?;
        differs("invocations", self.invocations.filter(|wanted| *wanted > 0), marker.invocations)
    }
}

impl Marker {
    /// The folder's, or one that plans its first history.
    pub(super) fn of(folder: &Path, wanted: Wanted, now: Timestamp) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::planned(wanted.settings(now))),
            Err(source) => return Err(Error::Marker { path, source }),
        };
        let read: Result<Self, _> = serde_json::from_str(&text);
        let marker = read.map_err(|error| Error::Marker { path, source: error.into() })?;
        wanted.check(&marker)?;
        Ok(marker)
    }

    fn planned(settings: Settings) -> Self {
        let Settings { seed, day, days, invocations } = settings;
        Self { recipe: digest(), seed, day, days, invocations, stretches: Vec::new() }
    }

    pub(super) fn settings(&self) -> Settings {
        let Self { seed, day, days, invocations, .. } = *self;
        Settings { seed, day, days, invocations }
    }

    /// Writes the file so that after a crash there is the old one or the new one.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| replace(folder, &path, text.as_bytes()));
        written.map_err(|source| Error::Marker { path, source })
    }

    /// Whether this program makes the rows that the marker speaks of.
    pub(super) fn is_ours(&self) -> bool {
        self.recipe == digest()
    }

    /// Takes this program's recipe for what comes.
    pub(super) fn adopt(&mut self) {
        self.recipe = digest();
    }
}

fn replace(folder: &Path, path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

fn digest() -> String {
    let digest =
        Sha256::new().chain_update(recipe::TEXT).chain_update(measured::TEXT).chain_update(samples::LIST).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_history_and_refuses_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |days: i64| Timestamp::from_micros(days * 86_400_000_000);
        let wanted = Wanted { seed: Some(7), days: None, invocations: Some(500) };
        let first = Marker::of(folder.path(), wanted, at(20_000)).expect("planned");
        first.write(folder.path()).expect("written");
        let later = Marker::of(folder.path(), Wanted::default(), at(20_009)).expect("read");
        assert_eq!(later, first);
        assert_eq!(later.settings(), Settings { seed: 7, day: 20_000, days: 65, invocations: 500 });
        let other =
            Marker::of(folder.path(), Wanted { seed: Some(8), ..wanted }, at(20_009)).expect_err("another seed");
        assert!(other.to_string().contains("seed 7"), "{other}");
        assert!(Marker::of(folder.path(), Wanted { invocations: Some(0), ..wanted }, at(20_009)).is_ok());
    }
}
