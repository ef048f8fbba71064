//! `faremeter report`: writes a month's statement or chargeback to a file, with its manifest beside it, through the server that
//! has the data folder open or on the folder itself. The bytes are the same either way.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::Method;

use crate::app::Offline;
use crate::billing::{Dimension, Kind, Month};
use crate::clock::Clock;
use crate::report::{self, Format, Manifest};

use super::ask::Asker;
use super::client::{Client, Connect};
use super::{Common, Usage, output};

#[derive(Debug, Args)]
pub(super) struct Report {
    /// What the file is
    #[arg(value_enum, value_name = "KIND")]
    kind: What,
    /// The month, in the zone of each price book
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// csv, json, parquet, xlsx or pdf [default: as the file's name ends, else csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What a chargeback shares out by: function, tenant, cost-center or tag:KEY [default: function]
    #[arg(long, value_name = "DIMENSION")]
    by: Option<Dimension>,
    /// The file; FILE.manifest.json is put beside it [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The month's lines, as on an invoice
    Statement,
    /// Whose share of each line it is
    Chargeback,
}

/// A file that is to be put somewhere.
struct Written {
    bytes: Bytes,
    manifest: Manifest,
}

impl Report {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let (kind, format) = (self.kind()?, self.format()?);
        if self.month > Month::newest(Clock::system().now()) {
            return Err(Usage(format!("{} has not begun: there is nothing to report", self.month)).into());
        }
        if self.out.is_none() && !format.is_text() && std::io::stdout().is_terminal() {
            return Err(Usage(format!("a terminal cannot show {format}: name a file with --out")).into());
        }
        self.check_folders(common)?;
        let written = match Asker::open(common, &self.connect).await? {
            Asker::Server(client) => self.ask(&client, &kind, format).await?,
            Asker::Folder(offline) => {
                let written = write(&offline, kind, self.month, format).await;
                offline.close().await?;
                written?
            }
        };
        match &self.out {
            Some(file) => put(file, written),
            None => output::print(&written.bytes),
        }
    }

    fn kind(&self) -> anyhow::Result<Kind> {
        match (self.kind, &self.by) {
            (What::Statement, None) => Ok(Kind::Statement),
            (What::Statement, Some(_)) => {
                Err(Usage("--by is for a chargeback: a statement has all lines undivided".to_owned()).into())
            }
            (What::Chargeback, by) => Ok(Kind::Chargeback(by.clone().unwrap_or(Dimension::Function))),
        }
    }

    /// The format that is named, or that the file's name says.
    fn format(&self) -> anyhow::Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let Some(file) = &self.out else { return Ok(Format::Csv) };
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        extension.to_ascii_lowercase().parse().map_err(|_| {
            let known = Format::ALL.map(Format::as_str).join(", ");
            Usage(format!("'{}' does not say its format: name one of {known} with --format", file.display())).into()
        })
    }

    /// A wrong name is told before a month is rated.
    fn check_folders(&self, common: &Common) -> anyhow::Result<()> {
        if let (Some(data), None) = (&common.data, &self.connect.server)
            && !data.is_dir()
        {
            bail!("there is no data folder '{}'", data.display());
        }
        let folder = self.out.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if !folder.is_dir() => {
                bail!("'{}' cannot be written: there is no folder '{}'", self.shown(), folder.display())
            }
            _ if self.out.as_deref().is_some_and(Path::is_dir) => bail!("'{}' is a folder: name a file", self.shown()),
            _ => Ok(()),
        }
    }

    fn shown(&self) -> String {
        self.out.as_deref().map(|file| file.display().to_string()).unwrap_or_default()
    }

    /// Has the server do it.
    async fn ask(&self, client: &Client, kind: &Kind, format: Format) -> anyhow::Result<Written> {
        let mut url = client.url(&["api", "v1", "reports", kind.as_str()]);
        url.query_pairs_mut().append_pair("month", &self.month.to_string()).append_pair("format", format.as_str());
        if let Kind::Chargeback(dimension) = kind {
            url.query_pairs_mut().append_pair("by", &dimension.to_string());
        }
        let answer = client.send(Method::GET, url, &[], Bytes::new()).await?.success()?;
        let field = answer.header("faremeter-manifest").strip_prefix(':').and_then(|field| field.strip_suffix(':'));
        let manifest = field.and_then(|field| STANDARD.decode(field).ok());
        let manifest = manifest.and_then(|manifest| serde_json::from_slice::<Manifest>(&manifest).ok());
        let manifest = manifest.context("the server's reply has no manifest")?;
        if !manifest.is_of(&answer.body) {
            bail!("the file did not arrive whole: its digest is not {}", manifest.sha256);
        }
        Ok(Written { bytes: answer.body, manifest })
    }
}

/// Does it here.
async fn write(offline: &Offline, kind: Kind, month: Month, format: Format) -> anyhow::Result<Written> {
    let report = offline.billing.report(kind, month).await?;
    let head = offline.billing.head().clone();
    let file = tokio::task::spawn_blocking(move || report::write(&report, &head, format)).await;
    let file = file.context("writing the file broke off")??;
    Ok(Written { bytes: file.bytes.into(), manifest: file.manifest })
}

/// Puts the file in its place, whole, and its manifest beside it.
fn put(file: &Path, written: Written) -> anyhow::Result<()> {
    let name = file.file_name().context("the file has no name")?.to_string_lossy().into_owned();
    let manifest = written.manifest.named(name.clone());
    replace(file, &written.bytes)?;
    let beside = file.with_file_name(format!("{name}.manifest.json"));
    replace(&beside, &manifest.to_json())
}

/// Writes a file that is either the one before or all of this.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unwritten = || format!("'{}' cannot be written", file.display());
    let mut name = file.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(format!(".{}.part", std::process::id()));
    let part = file.with_file_name(name);
    let put = || {
        let mut handle = std::fs::File::create(&part)?;
        handle.write_all(bytes)?;
        handle.sync_all()?;
        std::fs::rename(&part, file)
    };
    put().map_err(|error| {
        let _nothing_was_there = std::fs::remove_file(&part);
        anyhow::Error::new(error).context(unwritten())
    })
}
