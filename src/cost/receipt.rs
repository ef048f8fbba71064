//! What people see of price books: rates as the books have them, and a list price worked out line by line. The lines add
//! up to what `list` says, digit for digit.

use crate::model::Architecture;
use crate::units::{Currency, Money, MoneyError};

use super::list::{Billed, MB_MS_PER_GIB_S, MHZ_MS_PER_GHZ_S, NS_PER_MS, Rates};

/// Units of 10^-13 GiB·s in one MB·ms: with so many decimals each quantity is exact.
const QUANTITY_PER_MB_MS: i128 = 10_i128.pow(QUANTITY_SCALE) / MB_MS_PER_GIB_S;
const QUANTITY_SCALE: u32 = 13;

/// A list price worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Id and edition of the book, such as `aws-lambda@2025-10-01`.
    pub price_book: String,
    /// What the amounts are in.
    pub currency: Currency,
    /// What was metered, meters that are not used left out.
    pub lines: Vec<ReceiptLine>,
    /// The sum of the lines.
    pub total: Money,
}

/// What one meter costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The meter, for people.
    pub meter: &'static str,
    /// How much was used, all digits.
    pub quantity: String,
    /// What the quantity counts: `request` or `GiB·s`.
    pub unit: &'static str,
    /// The price of one unit.
    pub rate: Money,
    /// Quantity times rate, exact.
    pub amount: Money,
}

/// The rates of one region of a book's edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRates {
    /// Id and edition of the book.
    pub price_book: String,
    /// The date from which on it holds, `YYYY-MM-DD`.
    pub effective: String,
    /// What the rates are in.
    pub currency: Currency,
    /// The region; none for all that have no rates of their own.
    pub region: Option<String>,
    /// Per request.
    pub request: Money,
    /// Per GiB·s on x86_64.
    pub duration_x86_64: Money,
    /// Per GiB·s on arm64.
    pub duration_arm64: Money,
    /// Per GHz·s of the clock rate that goes with the memory; 0 where the book does not bill it.
    pub clock: Money,
    /// Per ms of CPU time; 0 where the book does not bill it.
    pub cpu: Money,
    /// Per GiB·s of ephemeral storage above the free share.
    pub ephemeral_storage: Money,
    /// Ephemeral storage that costs nothing, MB.
    pub free_ephemeral_storage_mb: u32,
}

impl Rates {
    /// What each meter costs of `usage`. Meters that the book does not bill are left out.
    pub(super) fn lines(&self, billed: &Billed<'_>) -> Result<Vec<ReceiptLine>, MoneyError> {
        let usage = billed.usage;
        let ms = i128::from(usage.billed_ms);
        let requests = i128::from(usage.requests);
        let (meter, rate) = match usage.architecture {
            Architecture::X86_64 => ("Duration, x86_64", self.duration_x86_64),
            Architecture::Arm64 => ("Duration, arm64", self.duration_arm64),
        };
        let paid = usage.ephemeral_storage.0.saturating_sub(self.free_ephemeral_storage.0);
        let request = ReceiptLine {
            meter: "Requests",
            quantity: requests.to_string(),
            unit: "request",
            rate: self.request,
            amount: self.request.checked_mul(requests)?,
        };
        let duration = over_time(meter, billed.memory_mb * ms, rate)?;
        let storage =
            over_time("Ephemeral storage above the free share", i128::from(paid) * ms, self.ephemeral_storage)?;
        let mhz_ms = billed.mhz * ms;
        let clock = ReceiptLine {
            meter: "Clock rate over time",
            quantity: decimal(mhz_ms, 6),
            unit: "GHz·s",
            rate: self.clock.checked_mul(MHZ_MS_PER_GHZ_S)?,
            amount: self.clock.checked_mul(mhz_ms)?,
        };
        let cpu_ns = i128::from(usage.cpu_ns.unwrap_or_default());
        let cpu = ReceiptLine {
            meter: "CPU time",
            quantity: decimal(cpu_ns, 6),
            unit: "ms",
            rate: self.cpu.checked_mul(NS_PER_MS)?,
            amount: self.cpu.checked_mul(cpu_ns)?,
        };
        let used = |line: &ReceiptLine| line.quantity != "0" && line.rate != Money::ZERO;
        Ok([request, duration, clock, cpu, storage].into_iter().filter(used).collect())
    }
}

fn over_time(meter: &'static str, mb_ms: i128, per_mb_ms: Money) -> Result<ReceiptLine, MoneyError> {
    Ok(ReceiptLine {
        meter,
        quantity: gib_s(mb_ms),
        unit: "GiB·s",
        rate: per_mb_ms.checked_mul(MB_MS_PER_GIB_S)?,
        amount: per_mb_ms.checked_mul(mb_ms)?,
    })
}

/// MB·ms as GiB·s, all digits that matter.
fn gib_s(mb_ms: i128) -> String {
    decimal(mb_ms * QUANTITY_PER_MB_MS, QUANTITY_SCALE)
}

/// Units of 10^-scale as a decimal, all digits that matter.
fn decimal(units: i128, scale: u32) -> String {
    let one = 10_i128.pow(scale);
    let decimals = format!("{:0width$}", units % one, width = scale as usize);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals}", units / one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::cost::PriceBooks;
    use crate::model::Usage;
    use crate::units::{ByteCount, Megabytes};

    use super::*;

    fn usage(requests: u32, billed_ms: i64, memory: u32, storage: u32, architecture: Architecture) -> Usage {
        let (memory, ephemeral_storage) = (Megabytes(memory), Megabytes(storage));
        Usage { requests, billed_ms, memory, ephemeral_storage, streamed: ByteCount(0), cpu_ns: None, architecture }
    }

    #[test]
    fn a_price_is_worked_out() {
        let books = PriceBooks::embedded().expect("they parse");
        let receipt = |book: &str, region: &str, usage: &Usage| books.receipt(book, region, usage).expect("in range");
        let call = usage(1, 154, 2_048, 512, Architecture::X86_64);
        let worked = receipt("aws-lambda@2025-10-01", "us-east-1", &call).expect("the book is there");
        let lines: Vec<_> =
            worked.lines.iter().map(|l| (&*l.quantity, l.rate.to_string(), l.amount.to_string())).collect();
        let expected = [("1", "0.0000002", "0.0000002"), ("0.308", "0.0000166667", "0.0000051333436")];
        assert_eq!(lines, expected.map(|(quantity, rate, amount)| (quantity, rate.to_owned(), amount.to_owned())));
        assert_eq!(worked.total.to_string(), "0.0000053333436");
        let nothing = usage(0, 0, 2_048, 512, Architecture::X86_64);
        assert_eq!(receipt("aws-lambda@2025-10-01", "us-east-1", &nothing).expect("there").lines, []);
        for unknown in ["aws-lambda@2020-01-01", "aws-lambda", "other@2025-10-01", ""] {
            assert_eq!(receipt(unknown, "us-east-1", &call), None, "{unknown}");
        }
    }

    #[test]
    fn rates_are_listed_as_the_books_have_them() {
        let listed = PriceBooks::embedded().expect("they parse").listed().expect("in range");
        let shown = |region: Option<&str>| {
            let rates = listed.iter().find(|rates| rates.region.as_deref() == region).expect("it is there");
            (rates.duration_x86_64.to_string(), rates.request.to_string(), rates.effective.clone())
        };
        let date = "2025-10-01".to_owned();
        assert_eq!(shown(None), ("0.0000166667".to_owned(), "0.0000002".to_owned(), date.clone()));
        assert_eq!(shown(Some("af-south-1")), ("0.0000221".to_owned(), "0.00000027".to_owned(), date));
    }

    proptest! {
        #[test]
        fn the_lines_are_the_price(
            requests in 0u32..=1, ms in 0i64..1_000_000, memory in 1u32..=10_240, storage in 512u32..=10_240, arm in any::<bool>(),
        ) {
            let books = PriceBooks::embedded().expect("they parse");
            let architecture = if arm { Architecture::Arm64 } else { Architecture::X86_64 };
            let usage = usage(requests, ms, memory, storage, architecture);
            let receipt = books.receipt("aws-lambda@2025-10-01", "eu-west-1", &usage).expect("in range").expect("there");
            let at = crate::units::Timestamp::from_micros(1_790_000_000_000_000);
            let price = books.get("aws-lambda").expect("there").list_price("eu-west-1", at, &usage).expect("in range");
            let lines = receipt.lines.iter().fold(Money::ZERO, |sum, line| sum + line.amount);
            prop_assert_eq!((lines, receipt.total), (price.amount, price.amount));
        }
    }
}
