//! A page that tells how the sum of list costs becomes what is billed.

use crate::report::lines::Lines;
use crate::report::{number, shown};

use super::page::{BODY, Composer, SMALL, STRONG, Style};
use super::table::{Cell, Column, Look, Table};

const HEADING: Style = Style { size: 12.0, ..STRONG };
/// Decimals of the steps, so that they stand below each other.
const DECIMALS: u32 = 6;
const COLUMNS: [Column; 7] = [
    Column { title: "Meter", width: 109.28, right: false },
    Column { title: "List cost", width: 72.0, right: true },
    Column { title: "Free", width: 72.0, right: true },
    Column { title: "Tiers", width: 66.0, right: true },
    Column { title: "Other", width: 66.0, right: true },
    Column { title: "Rounding", width: 56.0, right: true },
    Column { title: "Billed", width: 58.0, right: true },
];

pub(super) fn write(composer: &mut Composer<'_>, lines: &Lines<'_>) {
    let report = lines.report;
    composer.new_page();
    composer.heading(2, "From list cost to the amount billed", HEADING);
    composer.paragraph(
        "List cost is what the usage costs at the first tier without free allowances. Free is what allowances and credits take off, tiers what higher tiers change, other what no list cost holds, such as a monthly fee or capacity that stands ready, and rounding what is left out or added when amounts become whole.",
        BODY,
    );
    composer.y += 8.0;
    let table = Table::begin(composer, &COLUMNS);
    let mut book = None;
    for row in &report.bridge {
        if book != Some(&row.book) {
            let name =
                report.bills.iter().find(|bill| bill.book == row.book).map_or(row.book.as_str(), |bill| &bill.name);
            table.row(composer, Look::Group, &[Cell::strong(format!("{name}, {}", row.currency))]);
            book = Some(&row.book);
        }
        let mut cells = vec![Cell::text(shown::meter(&row.meter)).note(row.region.clone())];
        cells.extend(
            [row.list, row.free, row.tiers, row.other, row.rounding]
                .map(|step| Cell::text(if step.is_zero() { "–".to_owned() } else { number::fixed(step, DECIMALS) })),
        );
        cells.push(Cell::strong(shown::amount(row.billed)));
        table.row(composer, Look::Plain, &cells);
    }
    composer.y += 6.0;
    composer.paragraph("Shown to six decimals; the document's JSON and workbook have every digit.", SMALL);
}
