//! The sheets beside the rows: how list cost becomes what is billed, the bills, and what the report was made from.

use rust_xlsxwriter::{Workbook, XlsxError};

use crate::billing::{BillFacts, BridgeRow, Head, Report};
use crate::cost::rating::Ratio;
use crate::report::lines::Lines;
use crate::report::shown::{self, word};

use super::lines::Total;
use super::sheet::Sheet;

const BRIDGE: [&str; 15] = [
    "price_book",
    "region",
    "meter",
    "list",
    "free",
    "tiers",
    "other",
    "rounding",
    "billed",
    "currency",
    "list_exact",
    "free_exact",
    "tiers_exact",
    "other_exact",
    "rounding_exact",
];
/// Where `list_exact` is.
const BRIDGE_EXACT: u16 = 10;

const BILLS: [&str; 12] = [
    "price_book",
    "name",
    "sha256",
    "scope",
    "zone",
    "from",
    "to",
    "currency",
    "exact_total",
    "total",
    "records",
    "notes",
];

/// The steps from list cost to billed cost, as numbers and exactly.
pub(super) fn bridge(workbook: &mut Workbook, lines: &Lines<'_>) -> Result<(), XlsxError> {
    let mut sheet = Sheet::add(workbook, "Bridge")?;
    let mut at = 0;
    for row in &lines.report.bridge {
        at += 1;
        for (text, column) in [lines.price_book(&row.book), &row.region, &row.meter].into_iter().zip(0..) {
            sheet.text(at, column, text)?;
        }
        for (step, column) in steps(row).into_iter().zip(3..) {
            sheet.decimal(at, column, step)?;
        }
        sheet.money(at, 8, row.billed, row.currency)?;
        sheet.text(at, 9, row.currency.code())?;
        for (step, column) in steps(row).into_iter().zip(BRIDGE_EXACT..) {
            sheet.exact(at, column, step)?;
        }
    }
    sheet.table("Bridge_rows", &BRIDGE, at)?;
    for column in BRIDGE_EXACT..BRIDGE_EXACT + 5 {
        sheet.is_text_on_purpose(at, column)?;
    }
    sheet.finish();
    Ok(())
}

fn steps(row: &BridgeRow) -> [Ratio; 5] {
    [row.list, row.free, row.tiers, row.other, row.rounding]
}

/// A row for each book.
pub(super) fn bills(workbook: &mut Workbook, report: &Report) -> Result<(), XlsxError> {
    let mut sheet = Sheet::add(workbook, "Bills")?;
    let mut at = 0;
    for bill in &report.bills {
        at += 1;
        for (text, column) in facts(bill).iter().zip(0..) {
            sheet.text(at, column, text)?;
        }
        sheet.exact(at, 8, bill.exact_total)?;
        sheet.money(at, 9, bill.total, bill.currency)?;
        sheet.count(at, 10, bill.records)?;
        sheet.paragraph(at, 11, &bill.notes.join("\n"))?;
    }
    sheet.table("Bill_rows", &BILLS, at)?;
    sheet.is_text_on_purpose(at, 8)?;
    sheet.finish();
    Ok(())
}

fn facts(bill: &BillFacts) -> [String; 8] {
    [
        bill.price_book.clone(),
        bill.name.clone(),
        bill.sha256.clone(),
        word(&bill.scope),
        word(&bill.zone),
        bill.from.to_string(),
        bill.to.to_string(),
        bill.currency.to_string(),
    ]
}

/// What the report is, what it was made from, and whether the sheets' sums are what it states.
pub(super) fn about(
    workbook: &mut Workbook,
    lines: &Lines<'_>,
    head: &Head,
    document: &str,
    totals: &[Total],
) -> Result<(), XlsxError> {
    let report = lines.report;
    let sources = &report.sources;
    let mut sheet = Sheet::add(workbook, "About")?;
    let facts = [
        ("Document", document.to_owned()),
        ("Report", shown::title(&report.kind)),
        ("Period", lines.period.clone()),
        ("State", shown::state(report).to_owned()),
        ("Issuer", head.issuer.clone().unwrap_or_default()),
        ("Tax id", head.tax_id.clone().unwrap_or_default()),
        ("Customer", head.customer.clone().unwrap_or_default()),
        ("Purchase order", head.purchase_order.clone().unwrap_or_default()),
        ("Payment terms", head.payment_terms.clone().unwrap_or_default()),
        ("Table invocations, version", sources.table_version.to_string()),
        ("Records", sources.records.to_string()),
        ("Records without a price", sources.unpriced.to_string()),
        ("Made by", format!("Faremeter {}", sources.engine)),
    ];
    let mut at = 0;
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        sheet.bold(at, 0, name)?;
        sheet.paragraph(at, 1, value)?;
        at += 1;
    }
    for (currency, exact) in &sources.list_cost {
        sheet.bold(at, 0, &format!("List cost, {currency}"))?;
        sheet.exact(at, 1, *exact)?;
        at += 1;
    }
    at += 1;
    for (title, column) in ["Control total", "As stated", "Sum of the rows", "Check"].into_iter().zip(0..) {
        sheet.bold(at, column, title)?;
    }
    for total in totals {
        at += 1;
        sheet.text(at, 0, total.currency.code())?;
        sheet.money(at, 1, total.stated, total.currency)?;
        sheet.sum(at, 2, &format!("={}", total.cell), total.stated, total.currency)?;
        let row = at + 1;
        sheet.says(at, 3, &format!("=IF(B{row}=C{row},\"agrees\",\"differs\")"), "agrees")?;
    }
    sheet.finish();
    Ok(())
}
