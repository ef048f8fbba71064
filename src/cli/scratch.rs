//! A folder for one command, gone when it ends.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folder.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A folder that names the command and its process.
    pub(super) fn make(command: &str) -> anyhow::Result<Self> {
        let name = format!("faremeter-{command}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| format!("'{}' cannot be made", folder.display()))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the command's folder could not be removed");
        }
    }
}
