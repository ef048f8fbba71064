//! The top of the first page: who sends it to whom, what it is, and for when.

use crate::billing::Head;
use crate::report::lines::Lines;
use crate::report::shown;

use super::page::{BODY, Composer, Ink, LEADING, MARGIN, Role, STRONG, Style, WIDTH};

const TITLE: Style = Style { size: 20.0, ..STRONG };
const SENDER: Style = Style { size: 11.0, ..STRONG };
const NAME: Style = Style { ink: Ink::Soft, ..BODY };
/// Where the names of the facts at the right begin, and their values.
const FACTS: f32 = MARGIN + WIDTH * 0.5;
const VALUES: f32 = FACTS + 82.0;

pub(super) fn write(composer: &mut Composer<'_>, lines: &Lines<'_>, head: &Head, document: &str) {
    let report = lines.report;
    if let Some(issuer) = &head.issuer {
        sender(composer, issuer, head.tax_id.as_deref());
    }
    composer.heading(1, &shown::title(&report.kind), TITLE);
    composer.y += 4.0;
    let top = composer.y;
    if let Some(customer) = &head.customer {
        let part = composer.part(Role::Paragraph, composer.root());
        let mut y = top + NAME.size;
        composer.text(MARGIN, y, NAME, "Customer", Some(part));
        for (line, at) in composer.wrap(customer, BODY, FACTS - MARGIN - 24.0).iter().zip(0..) {
            y += BODY.size * LEADING;
            composer.text(MARGIN, y, if at == 0 { STRONG } else { BODY }, line, Some(part));
        }
        composer.y = y;
    }
    let below = composer.y;
    composer.y = top;
    let left = head.customer.is_none();
    facts(composer, &values(lines, head, document), left);
    composer.y = composer.y.max(below) + 16.0;
    if report.open {
        let notice = format!(
            "{} is not over: this is what it comes to so far, and the figures will grow.",
            month(&lines.period)
        );
        composer.paragraph(&notice, STRONG);
        composer.y += 8.0;
    }
}

/// Who sends it, with a rule below.
fn sender(composer: &mut Composer<'_>, issuer: &str, tax_id: Option<&str>) {
    let part = composer.part(Role::Paragraph, composer.root());
    let tax_id = tax_id.map(|tax_id| format!("Tax id {tax_id}"));
    for (line, at) in issuer.lines().chain(tax_id.as_deref()).zip(0..) {
        let style = if at == 0 { SENDER } else { NAME };
        for line in composer.wrap(line, style, WIDTH) {
            composer.y += style.size;
            composer.text(MARGIN, composer.y, style, &line, Some(part));
            composer.y += style.size * (LEADING - 1.0);
        }
    }
    composer.y += 8.0;
    composer.rule(composer.y, 0.8, Ink::Black);
    composer.y += 18.0;
}

fn values(lines: &Lines<'_>, head: &Head, document: &str) -> Vec<(&'static str, String)> {
    let report = lines.report;
    let mut currencies: Vec<&str> = report.bills.iter().map(|bill| bill.currency.code()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let mut values = vec![("Document", document.to_owned()), ("Period", month(&lines.period))];
    if !currencies.is_empty() {
        values.push(("Currency", currencies.join(", ")));
    }
    // Beside the issuer's name it needs no place here.
    let tax_id = if head.issuer.is_none() { &head.tax_id } else { &None };
    let more = [("Purchase order", &head.purchase_order), ("Payment terms", &head.payment_terms), ("Tax id", tax_id)];
    values.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    values
}

/// Names and values, one below the other.
fn facts(composer: &mut Composer<'_>, facts: &[(&'static str, String)], left: bool) {
    let (names, values) = if left { (MARGIN, MARGIN + VALUES - FACTS) } else { (FACTS, VALUES) };
    for (name, value) in facts {
        let part = composer.part(Role::Paragraph, composer.root());
        for (line, at) in composer.wrap(value, BODY, MARGIN + WIDTH - values).iter().zip(0..) {
            composer.y += BODY.size;
            if at == 0 {
                composer.text(names, composer.y, NAME, name, Some(part));
            }
            composer.text(values, composer.y, BODY, line, Some(part));
            composer.y += BODY.size * (LEADING - 1.0);
        }
    }
}

/// `March 2026` of `2026-03`.
pub(super) fn month(period: &str) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let read = || {
        let (year, month) = period.split_once('-')?;
        let name = NAMES.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{name} {year}"))
    };
    read().unwrap_or_else(|| period.to_owned())
}
