//! A chargeback: first what each share comes to, then the lines that it is the sum of.

use crate::billing::{Row, RowType};
use crate::report::lines::Lines;
use crate::report::{self, shown};

use super::page::{BODY, Composer, STRONG, Style};
use super::statement::{COLUMNS, amount, figures, group, of_book, totals};
use super::table::{Cell, Column, Look, Table};

const HEADING: Style = Style { size: 12.0, ..STRONG };
const SHARES: [Column; 2] =
    [Column { title: "Share", width: 389.28, right: false }, Column { title: "Amount", width: 110.0, right: true }];

pub(super) fn write(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    if lines.report.rows.is_empty() {
        composer.paragraph("No record of this month has a price.", BODY);
        return;
    }
    composer.heading(2, "Shares", HEADING);
    shares(composer, lines);
    composer.new_page();
    composer.heading(2, "Lines", HEADING);
    details(composer, lines);
}

/// What each share comes to, the largest first, by currency.
fn shares(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    let table = Table::begin(composer, &SHARES);
    let shares = report::shares(lines.report);
    for total in lines.report.rows.iter().filter(|row| row.row_type == RowType::Total) {
        for share in shares.iter().filter(|share| share.currency == total.currency) {
            table.row(composer, Look::Plain, &[Cell::text(share.name), Cell::text(shown::amount(share.amount))]);
        }
        let sum = Cell::strong(format!("{} {}", total.currency, shown::amount(total.billed_cost)));
        table.row(composer, Look::Total, &[Cell::strong(format!("Total {}", total.currency)), sum]);
    }
}

/// The lines by book and meter.
fn details(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    let kind = &lines.report.kind;
    let table = Table::begin(composer, &COLUMNS);
    for bill in &lines.report.bills {
        group(composer, &table, bill);
        let mut last: Option<(&str, &str, Option<usize>)> = None;
        for row in of_book(lines, &bill.book, RowType::Line) {
            let of = (row.region.as_str(), row.meter.as_str(), row.tier);
            if last != Some(of) {
                table.row(composer, Look::Group, &[Cell::strong(title(row))]);
                last = Some(of);
            }
            table.row(composer, Look::Plain, &figures(row, Cell::text(shown::dimension_value(kind, row))));
        }
        for row in of_book(lines, &bill.book, RowType::Rounding) {
            table.row(composer, Look::Plain, &amount(shown::dimension_value(kind, row), row));
        }
    }
    totals(composer, &table, lines);
}

fn title(row: &Row) -> String {
    let mut title = vec![shown::meter(&row.meter)];
    title.extend(row.tier.filter(|tier| *tier > 1).map(|tier| format!("tier {tier}")));
    title.extend((!row.region.is_empty()).then(|| row.region.clone()));
    title.join(" · ")
}
