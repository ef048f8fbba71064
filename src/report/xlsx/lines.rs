//! The sheets of rows: all lines and roundings as one table, split where a sheet is full, and the totals below it.

use rust_xlsxwriter::{Workbook, XlsxError};

use crate::billing::{Row, RowType};
use crate::cost::rating::Minor;
use crate::report::lines::{Cell, Column, Kind, Lines};
use crate::report::shown;
use crate::units::Currency;

use super::sheet::Sheet;

/// Exact quantities, which have a number beside them, as text.
const EXACT: [(&str, Column); 2] =
    [("quantity_exact", Column::Quantity), ("free_quantity_exact", Column::FreeQuantity)];

/// A currency's total: what the report states, and the cell that sums it up.
pub(super) struct Total {
    pub(super) currency: Currency,
    pub(super) stated: Minor,
    pub(super) cell: String,
}

/// Writes the rows, so many in a sheet. The totals stand below the last.
pub(super) fn write(workbook: &mut Workbook, lines: &Lines<'_>, most: usize) -> Result<Vec<Total>, XlsxError> {
    let (totals, rows): (Vec<&Row>, Vec<&Row>) =
        lines.report.rows.iter().partition(|row| row.row_type == RowType::Total);
    let title = shown::meter(lines.report.kind.as_str());
    let chunks: Vec<&[&Row]> = if rows.is_empty() { vec![&[]] } else { rows.chunks(most).collect() };
    let (mut ranges, mut sums) = (Vec::new(), Vec::new());
    for (at, chunk) in chunks.iter().enumerate() {
        let (name, table) = match at {
            0 => (title.clone(), format!("{title}_rows")),
            _ => (format!("{title} {}", at + 1), format!("{title}_rows_{}", at + 1)),
        };
        let mut sheet = Sheet::add(workbook, &name)?;
        let mut last = 0;
        for row in *chunk {
            last += 1;
            write_row(&mut sheet, lines, row, last)?;
        }
        finish_table(&mut sheet, &table, last)?;
        ranges.push((
            sheet.cells(1, last.max(1), place(Column::BilledCost)),
            sheet.cells(1, last.max(1), place(Column::Currency)),
        ));
        if at + 1 == chunks.len() {
            sums = write_totals(&mut sheet, lines, &totals, &ranges, last.max(1) + 1)?;
        }
        sheet.finish();
    }
    for total in &sums {
        workbook.define_name(format!("total_{}", total.currency), &format!("={}", total.cell))?;
    }
    Ok(sums)
}

/// The column's number in the sheet, from 0.
fn place(column: Column) -> u16 {
    let at = Column::ALL.iter().position(|known| *known == column);
    at.and_then(|at| u16::try_from(at).ok()).expect("every column is in the list")
}

fn write_row(sheet: &mut Sheet<'_>, lines: &Lines<'_>, row: &Row, at: u32) -> Result<(), XlsxError> {
    for column in Column::ALL {
        match lines.cell(row, column) {
            Cell::Empty => {}
            Cell::Text(text) => sheet.text(at, place(column), &text)?,
            Cell::Fraction(text) => sheet.text(at, place(column), &text)?,
            Cell::Count(count) => sheet.count(at, place(column), count as u64)?,
            Cell::Exact(number) if is_number(column) => sheet.decimal(at, place(column), number)?,
            Cell::Exact(number) => sheet.exact(at, place(column), number)?,
            Cell::Money(amount) => sheet.money(at, place(column), amount, row.currency)?,
        }
    }
    for ((_, column), to) in EXACT.into_iter().zip(exact_places()) {
        if let Cell::Exact(number) = lines.cell(row, column) {
            sheet.exact(at, to, number)?;
        }
    }
    Ok(())
}

fn is_number(column: Column) -> bool {
    EXACT.iter().any(|(_, number)| *number == column)
}

fn exact_places() -> impl Iterator<Item = u16> {
    let first = u16::try_from(Column::ALL.len()).unwrap_or(u16::MAX);
    first..
}

fn finish_table(sheet: &mut Sheet<'_>, name: &str, last: u32) -> Result<(), XlsxError> {
    let headers: Vec<&str> =
        Column::ALL.iter().map(|column| column.name()).chain(EXACT.map(|(name, _)| name)).collect();
    sheet.table(name, &headers, last)?;
    let texts = Column::ALL.into_iter().filter(|column| column.kind() == Kind::Exact && !is_number(*column));
    for column in texts.map(place).chain(exact_places().take(EXACT.len())) {
        sheet.is_text_on_purpose(last, column)?;
    }
    Ok(())
}

/// A row for each currency, which sums up the lines of all sheets.
fn write_totals(
    sheet: &mut Sheet<'_>,
    lines: &Lines<'_>,
    totals: &[&Row],
    ranges: &[(String, String)],
    first: u32,
) -> Result<Vec<Total>, XlsxError> {
    let mut sums = Vec::new();
    for (row, at) in totals.iter().zip(first..) {
        let currency = row.currency;
        let parts = ranges.iter().map(|(amounts, currencies)| format!("SUMIFS({amounts},{currencies},\"{currency}\")"));
        let parts: Vec<String> = parts.collect();
        // Sums of binary fractions are off by less than any currency's smallest amount.
        let formula = format!("=ROUND({},{})", parts.join("+"), row.billed_cost.digits());
        sheet.bold(at, place(Column::LineType), row.row_type.as_str())?;
        sheet.text(at, place(Column::Period), &lines.period)?;
        sheet.exact(at, place(Column::ExactCost), row.exact_cost)?;
        sheet.sum(at, place(Column::BilledCost), &formula, row.billed_cost, currency)?;
        sheet.text(at, place(Column::Currency), currency.code())?;
        sums.push(Total { currency, stated: row.billed_cost, cell: sheet.cell(at, place(Column::BilledCost)) });
    }
    Ok(sums)
}
