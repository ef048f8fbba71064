//! A file that is being imported, which shows on the bar how much of it was read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::bar::{self, Bar};

/// A file, or standard input.
pub(super) struct Input {
    name: String,
    reader: Box<dyn Read + Send>,
    /// Bytes in all, where that is known.
    size: Option<u64>,
    read: u64,
    shown: Option<u64>,
    bar: Bar,
}

impl Input {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        if name == "-" {
            return Ok(Self::new("standard input".to_owned(), Box::new(io::stdin()), None));
        }
        let file = File::open(path).with_context(|| format!("'{name}' cannot be opened"))?;
        let about = file.metadata().with_context(|| format!("'{name}' cannot be opened"))?;
        if about.is_dir() {
            bail!("'{name}' is a folder: name the files in it");
        }
        Ok(Self::new(name, Box::new(file), about.is_file().then_some(about.len())))
    }

    fn new(name: String, reader: Box<dyn Read + Send>, size: Option<u64>) -> Self {
        Self { name, reader, size, read: 0, shown: None, bar: Bar::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Draws the bar when it would look different.
    fn show(&mut self) {
        let mb = self.read >> 20;
        let per_cent = self.size.map(|size| (self.read * 100).checked_div(size).unwrap_or(0).min(99));
        if self.shown == per_cent.or(Some(mb)) {
            return;
        }
        self.shown = per_cent.or(Some(mb));
        let line = match per_cent {
            Some(per_cent) => format!("{}  {mb} MiB", bar::filled(&self.name, per_cent)),
            None => format!("  {}  {mb} MiB", self.name),
        };
        self.bar.show(&line);
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read += length as u64;
        self.show();
        Ok(length)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.bar.clear();
    }
}
