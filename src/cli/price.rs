//! `faremeter price`: what a month's workload costs by a price book, or by each. No server is needed, and no data is read.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::billing::read_books;
use crate::clock::Clock;
use crate::cost::rating::{Bill, Books, Error, Workload};
use crate::units::Timestamp;

use super::output::{self, Format, Output};

/// Bytes of a workload, at most.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Characters that a table shows of a number whose decimals do not end.
const TABLE_DIGITS: usize = 16;

#[derive(Debug, Args)]
pub(super) struct Price {
    /// Price book, such as aws-lambda
    #[arg(long, value_name = "ID", required_unless_present = "compare")]
    book: Option<String>,
    /// The month's usage (JSON: an object, or a list of objects that add up)
    #[arg(long, value_name = "FILE")]
    workload: PathBuf,
    /// Price it by every book, the cheapest first
    #[arg(long)]
    compare: bool,
    /// Region whose prices hold [default: the book's own]
    #[arg(long)]
    region: Option<String>,
    /// Day whose prices hold [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    date: Option<Timestamp>,
    /// Folder with price books (*.toml) beside those of the program, or in their place
    #[arg(long, value_name = "DIR")]
    books: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Price {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let books = read_books(self.books.as_deref())?;
        let at = self.date.unwrap_or_else(|| Clock::system().now());
        let named = self.book.as_deref().map(|id| books.get(id)).transpose()?;
        let workload = Workload::parse(&read(&self.workload)?)
            .with_context(|| format!("'{}' cannot be priced", self.workload.display()))?;
        match named {
            Some(book) if !self.compare => {
                let bill = book.bill(&workload, self.region.as_deref(), at)?;
                warn(&bill);
                print_bill(&bill, self.output.format)
            }
            _ => self.compare(&books, &workload, at),
        }
    }

    fn compare(&self, books: &Books, workload: &Workload, at: Timestamp) -> anyhow::Result<()> {
        let (mut bills, mut refused) = (Vec::new(), Vec::new());
        for book in books.all() {
            match book.bill(workload, self.region.as_deref(), at) {
                Ok(bill) => bills.push(bill),
                Err(Error::NotPriced { reason, .. }) => refused.push((book.id().to_owned(), reason)),
                Err(error) => refused.push((book.id().to_owned(), error.to_string())),
            }
        }
        bills.sort_by(|a, b| (a.currency.code(), a.total, &a.book).cmp(&(b.currency.code(), b.total, &b.book)));
        bills.iter().for_each(warn);
        match self.output.format {
            Format::Json => {
                let refused = refused.iter().map(|(book, reason)| json!({"book": book, "reason": reason}));
                output::line(&json!({"bills": bills, "refused": refused.collect::<Vec<_>>()}).to_string())
            }
            format => {
                let priced = bills.iter().map(|bill| {
                    json!({"book": bill.book, "region": bill.region, "currency": bill.currency.code(),
                           "exact_total": bill.exact_total, "exact_total_ratio": bill.exact_total_ratio, "total": bill.total})
                });
                let refused = refused.iter().map(|(book, reason)| json!({"book": book, "reason": reason}));
                let rows: Vec<Value> = priced.chain(refused).collect();
                print_rows(&["book", "region", "currency", "exact_total", "total", "reason"], rows, format)
            }
        }
    }
}

/// A bill as a document, or as its lines with the total below them.
fn print_bill(bill: &Bill, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::line(&serde_json::to_string(bill).context("the bill cannot be written as JSON")?);
    }
    let mut rows = Vec::new();
    for line in &bill.lines {
        rows.push(serde_json::to_value(line).context("a line cannot be written as JSON")?);
    }
    if !bill.rounding.is_zero() {
        rows.push(json!({"meter": "rounding", "rounded": bill.rounding}));
    }
    let what = format!("total, {}", bill.currency);
    let total =
        json!({"meter": what, "exact": bill.exact_total, "exact_ratio": bill.exact_total_ratio, "rounded": bill.total});
    rows.push(total);
    let columns = ["meter", "tier", "quantity", "unit", "free_quantity", "unit_price", "exact", "rounded"];
    print_rows(&columns, rows, format)
}

/// Cuts numbers whose decimals do not end, so that a table stays readable.
fn shorten(row: &mut Value) {
    for number in ["quantity", "exact", "exact_total"] {
        if row.get(format!("{number}_ratio")).is_some_and(Value::is_string) {
            let digits = row[number].as_str().unwrap_or_default();
            let cut: String = digits.chars().take(TABLE_DIGITS).collect();
            row[number] = format!("{cut}…").into();
        }
    }
}

fn print_rows(columns: &[&str], mut rows: Vec<Value>, format: Format) -> anyhow::Result<()> {
    if format == Format::Csv {
        return output::print(output::csv(columns, &rows).as_bytes());
    }
    rows.iter_mut().for_each(shorten);
    output::print(output::table(columns, &rows).as_bytes())
}

fn warn(bill: &Bill) {
    for warning in &bill.warnings {
        output::note(&format!("warning: {warning}"));
    }
}

/// A file's text; what is larger than any workload is refused rather than read.
fn read(file: &Path) -> anyhow::Result<String> {
    let unread = || format!("'{}' cannot be read", file.display());
    let mut text = String::new();
    let bytes = std::fs::File::open(file).with_context(unread)?.take(MAX_FILE_BYTES + 1);
    let read = std::io::BufReader::new(bytes).read_to_string(&mut text).with_context(unread)?;
    if read as u64 > MAX_FILE_BYTES {
        bail!("'{}' has more than {} MiB", file.display(), MAX_FILE_BYTES >> 20);
    }
    Ok(text)
}

/// Reads a day; its prices are those at its first moment in UTC.
fn day(text: &str) -> Result<Timestamp, String> {
    let midnight = Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    midnight.ok_or_else(|| format!("'{text}' is not a day: write YYYY-MM-DD"))
}
