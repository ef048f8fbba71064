//! A statement's lines: by book, with what is free, roundings, subtotals and totals.

use crate::billing::{BillFacts, Row, RowType};
use crate::cost::rating::Ratio;
use crate::report::lines::Lines;
use crate::report::{number, shown};

use super::page::{BODY, Composer, Ink, Style};
use super::table::{Cell, Column, Look, Table};

pub(super) const COLUMNS: [Column; 5] = [
    Column { title: "Description", width: 183.28, right: false },
    Column { title: "Quantity", width: 92.0, right: true },
    Column { title: "Unit", width: 72.0, right: false },
    Column { title: "Unit price", width: 82.0, right: true },
    Column { title: "Amount", width: 70.0, right: true },
];

pub(super) fn write(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    if lines.report.rows.is_empty() {
        composer.paragraph("No record of this month has a price.", BODY);
        return;
    }
    let table = Table::begin(composer, &COLUMNS);
    for bill in &lines.report.bills {
        group(composer, &table, bill);
        for row in of_book(lines, &bill.book, RowType::Line) {
            table.row(composer, Look::Plain, &cells(row));
        }
        for row in of_book(lines, &bill.book, RowType::Rounding) {
            table.row(composer, Look::Plain, &amount("Rounding", row));
        }
        let subtotal = format!("{} {}", bill.currency, shown::amount(bill.total));
        let name = Cell::strong(format!("Subtotal {}", bill.name));
        table.row(
            composer,
            Look::Sum,
            &[name, Cell::default(), Cell::default(), Cell::default(), Cell::strong(subtotal)],
        );
    }
    totals(composer, &table, lines);
}

/// A row that names a book and its prices.
pub(super) fn group(composer: &mut Composer<'_>, table: &Table<'_>, bill: &BillFacts) {
    let note = format!("{} · {}", bill.price_book, shown::days(bill.from, bill.to, bill.zone));
    table.row(composer, Look::Group, &[Cell::strong(bill.name.clone()).note(note)]);
}

/// The totals, one for each currency: they are never added to each other.
pub(super) fn totals(composer: &mut Composer<'_>, table: &Table<'_>, lines: &Lines<'_>) {
    composer.y += 4.0;
    for row in lines.report.rows.iter().filter(|row| row.row_type == RowType::Total) {
        let total = Cell::strong(format!("{} {}", row.currency, shown::amount(row.billed_cost)));
        let name = Cell::strong(format!("Total {}", row.currency));
        table.row(composer, Look::Total, &[name, Cell::default(), Cell::default(), Cell::default(), total]);
    }
    composer.y += 6.0;
    let soft = Style { ink: Ink::Soft, size: 7.5, ..BODY };
    composer.paragraph(
        "Quantities are shown with at most six decimals; amounts are of the exact quantities, which the other formats of this document tell digit for digit.",
        soft,
    );
}

pub(super) fn of_book<'r>(lines: &Lines<'r>, book: &'r str, of: RowType) -> impl Iterator<Item = &'r Row> {
    lines.report.rows.iter().filter(move |row| row.row_type == of && row.book == book)
}

/// A line's columns.
fn cells(row: &Row) -> Vec<Cell> {
    let mut notes = Vec::new();
    notes.extend(row.tier.filter(|tier| *tier > 1).map(|tier| format!("tier {tier}")));
    notes.extend((!row.region.is_empty()).then(|| row.region.clone()));
    let free = row.free_quantity.filter(|free| free.is_positive());
    let free = free.map(|free| format!("{} {} free", number::brief(free), row.unit)).unwrap_or_default();
    figures(row, Cell::text(shown::meter(&row.meter)).note(notes.join(" · ")).note(free))
}

/// A line's columns behind its first; a credit has an amount alone.
pub(super) fn figures(row: &Row, description: Cell) -> Vec<Cell> {
    let billed = Cell::text(shown::amount(row.billed_cost));
    if row.tier.is_none() {
        return vec![description, Cell::default(), Cell::default(), Cell::default(), billed];
    }
    let quantity = row.quantity.map(number::brief).unwrap_or_default();
    let price = row.unit_price.map(price).unwrap_or_default();
    vec![description, Cell::text(quantity), Cell::text(row.unit.clone()), Cell::text(price), billed]
}

/// A row that has an amount alone.
pub(super) fn amount(name: &str, row: &Row) -> Vec<Cell> {
    let billed = Cell::text(shown::amount(row.billed_cost));
    vec![Cell::text(name), Cell::default(), Cell::default(), Cell::default(), billed]
}

/// A price with all its digits; one whose decimals do not end as the fraction that it is.
fn price(price: Ratio) -> String {
    price.as_fraction().unwrap_or_else(|| number::grouped(&price.to_string()))
}
