//! The last section: what the document was made from, and what it comes to before rounding.

use crate::billing::BillFacts;
use crate::report::lines::Lines;
use crate::report::manifest::control_totals;
use crate::report::{number, shown};

use super::page::{BODY, Composer, STRONG, Style};

const HEADING: Style = Style { size: 12.0, ..STRONG };
/// Hex digits of a digest in the footer.
const SHORT: usize = 12;
/// Books that a footer names.
const NAMED: usize = 2;

pub(super) fn write(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    let report = lines.report;
    let sources = &report.sources;
    composer.y += 18.0;
    composer.heading(2, "About this document", HEADING);
    for total in control_totals(report) {
        let exact = total.exact_cost_ratio.unwrap_or(total.exact_cost);
        let text = format!("Before rounding: {exact} {0}. Billed: {1} {0}.", total.currency, total.billed_cost);
        composer.paragraph(&text, BODY);
    }
    for (currency, exact) in &sources.list_cost {
        composer.paragraph(&format!("Sum of the records' list costs: {exact} {currency}."), BODY);
    }
    let version = sources.table_version;
    let records = number::grouped(&sources.records.to_string());
    composer.paragraph(&format!("Made from {records} records of version {version} of the table of invocations."), BODY);
    if sources.unpriced > 0 {
        let unpriced = number::grouped(&sources.unpriced.to_string());
        composer.paragraph(&format!("No price book has a price for {unpriced} of them: they are in no line."), BODY);
    }
    for bill in &report.bills {
        composer.y += 6.0;
        composer.paragraph(&format!("{} ({})", bill.name, bill.price_book), STRONG);
        composer.paragraph(&prices(bill), BODY);
        for note in &bill.notes {
            composer.paragraph(note, BODY);
        }
    }
}

fn prices(bill: &BillFacts) -> String {
    let records = number::grouped(&bill.records.to_string());
    let days = shown::days(bill.from, bill.to, bill.zone);
    let scope = shown::word(&bill.scope).replace('_', " ");
    format!(
        "{records} records of {days}. Tiers and allowances add up over the {scope}. SHA-256 of the price book: {}.",
        bill.sha256
    )
}

/// What every page says below: what would have to be the same for the document to be made again.
pub(super) fn footer(lines: &Lines<'_>, document: &str) -> String {
    let report = lines.report;
    let mut parts = vec![document.to_owned(), format!("table version {}", report.sources.table_version)];
    let named = report.bills.iter().take(NAMED);
    parts.extend(
        named.map(|bill| format!("{} sha256 {}", bill.price_book, bill.sha256.get(..SHORT).unwrap_or(&bill.sha256))),
    );
    if report.bills.len() > NAMED {
        parts.push(format!("{} price books more on the last page", report.bills.len() - NAMED));
    }
    parts.push(format!("Faremeter {}", report.sources.engine));
    parts.join(" · ")
}
