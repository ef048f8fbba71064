//! Files of a report: the same rows as CSV, JSON, Parquet, XLSX and PDF, byte for byte the same each time, and a manifest
//! beside them. What the rows say is `billing`'s.
//!
//! `lines` is the table that each format writes, `number` how exact numbers become digits. Nothing here reads a clock, a file
//! or a setting: bytes follow from the report and its head alone.

mod csv;
mod digest;
mod format;
mod json;
mod lines;
mod manifest;
mod number;
mod parquet;
mod pdf;
mod shares;
mod shown;
mod xlsx;

#[cfg(test)]
mod tests;

use crate::billing::{Head, Report};

pub use digest::Digest;
pub use format::{Format, FormatError};
pub use manifest::{ControlTotal, Manifest, PriceBook};
pub use shares::{Share, shares};
pub use shown::{amount, days, decimal, dimension_value, meter, title};

use lines::Lines;

/// Rows of a PDF, at most: some two thousand pages.
const MAX_PDF_ROWS: usize = 100_000;

/// A report in one format.
#[derive(Debug, Clone)]
pub struct File {
    /// The format that it is in.
    pub format: Format,
    /// What the file says, from its first byte to its last.
    pub bytes: Vec<u8>,
    /// What tells whether a copy of it is whole and what it was made from.
    pub manifest: Manifest,
}

/// Why a report could not be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is larger than the format is good for.
    #[error("the report has {rows} rows and a {format} file holds at most {most}: choose csv or parquet")]
    TooManyRows { format: Format, rows: usize, most: usize },
    /// A number has more digits than a column holds.
    #[error("{column} is {number}, which a column of 38 digits and 23 decimals does not hold")]
    TooLarge { column: &'static str, number: String },
    /// The format's library refused it.
    #[error("the {format} file cannot be written: {reason}")]
    Refused { format: Format, reason: String },
}

impl Error {
    fn refused(format: Format, reason: impl std::fmt::Display) -> Self {
        Self::Refused { format, reason: reason.to_string() }
    }
}

/// Writes the report down. The same report and head give the same bytes.
pub fn write(report: &Report, head: &Head, format: Format) -> Result<File, Error> {
    let lines = Lines::of(report);
    let document = json::document_id(&lines, head)?;
    let bytes = match format {
        Format::Csv => csv::write(&lines),
        Format::Json => json::write(&lines, head, &document)?,
        Format::Parquet => parquet::write(&lines, &document)?,
        Format::Xlsx => xlsx::write(&lines, head, &document)?,
        Format::Pdf if report.rows.len() > MAX_PDF_ROWS => {
            return Err(Error::TooManyRows { format, rows: report.rows.len(), most: MAX_PDF_ROWS });
        }
        Format::Pdf => pdf::write(&lines, head, &document)?,
    };
    let manifest = Manifest::of(report, format, document, &bytes);
    Ok(File { format, bytes, manifest })
}
