//! From list cost to what is billed, meter by meter: free allowances, tiers, what no list cost holds, and rounding.

use crate::cost::rating::{Line, Minor, Ratio};
use crate::units::MONEY_SCALE;

use super::rated::Rated;
use super::{BridgeRow, Error};

/// What a row is called that says what records' list cost differs by from the first tier's prices.
const RECORDED: &str = "recorded list cost";
/// What a row is called that says what a book's rounded total differs by from its rounded lines.
const ROUNDING: &str = "rounding";

/// The rows of one book: by region and meter as its lines, then credits, then what the records' list cost differs by, then
/// the total's rounding. Their list costs add up to the sum of the records' own.
pub(super) fn bridge(rated: &Rated) -> Result<Vec<BridgeRow>, Error> {
    let bill = &rated.bill;
    let mut rows = Vec::new();
    for lines in bill.lines.chunk_by(|one, next| one.number.is_some() && is_same_meter(one, next)) {
        rows.push(row_of(rated, lines)?);
    }
    let listed = rows.iter().map(|row| row.list).try_fold(Ratio::ZERO, Ratio::plus)?;
    let recorded = Ratio::new(rated.counted.list_cost, 10_i128.pow(MONEY_SCALE.unsigned_abs().into()))?;
    let differs = recorded.minus(listed)?;
    let nothing = Minor::new(0, bill.total.digits());
    if !differs.is_zero() {
        let other = differs.negative();
        rows.push(BridgeRow { list: differs, other, ..blank(rated, RECORDED, nothing) });
    }
    if !bill.rounding.is_zero() {
        rows.push(BridgeRow { rounding: amount(bill.rounding)?, ..blank(rated, ROUNDING, bill.rounding) });
    }
    Ok(rows)
}

fn is_same_meter(one: &Line, other: &Line) -> bool {
    one.number == other.number && one.region == other.region
}

/// The row of a meter's lines, one for each tier, or of a credit.
fn row_of(rated: &Rated, lines: &[Line]) -> Result<BridgeRow, Error> {
    let first = &lines[0];
    let sum = |of: &dyn Fn(&Line) -> Ratio| lines.iter().map(of).try_fold(Ratio::ZERO, Ratio::plus);
    let exact = sum(&|line| line.exact)?;
    let units = lines.iter().map(|line| line.rounded.units()).sum();
    let billed = Minor::new(units, first.rounded.digits());
    let rounding = amount(billed)?.minus(exact)?;
    let row = BridgeRow { region: first.region.clone(), rounding, ..blank(rated, &first.meter, billed) };
    if first.number.is_none() {
        return Ok(BridgeRow { free: exact, ..row });
    }
    let (paid, free) = (sum(&|line| line.quantity)?, sum(&|line| line.free_quantity)?);
    let (paid, free) = (paid.times(first.first_price)?, free.times(first.first_price)?);
    let all = paid.plus(free)?;
    let (list, other) = if first.is_listed { (all, Ratio::ZERO) } else { (Ratio::ZERO, all) };
    Ok(BridgeRow { list, free: free.negative(), tiers: exact.minus(paid)?, other, ..row })
}

fn blank(rated: &Rated, meter: &str, billed: Minor) -> BridgeRow {
    BridgeRow {
        book: rated.bill.book.clone(),
        region: String::new(),
        meter: meter.to_owned(),
        list: Ratio::ZERO,
        free: Ratio::ZERO,
        tiers: Ratio::ZERO,
        other: Ratio::ZERO,
        rounding: Ratio::ZERO,
        billed,
        currency: rated.bill.currency,
    }
}

/// An amount of minor units as a number.
pub(super) fn amount(minor: Minor) -> Result<Ratio, Error> {
    Ok(Ratio::new(minor.units(), 10_i128.pow(minor.digits()))?)
}
