//! The list price of usage: first tier, no free tier, exact. Where the rates come from is `book`'s.

use crate::model::{Architecture, Usage};
use crate::units::{Megabytes, Money, MoneyError};

/// MB·ms in one GiB·s: rates are per GiB·s and usage is in MB·ms.
pub(super) const MB_MS_PER_GIB_S: i128 = 1024 * 1000;

/// MHz·ms in one GHz·s.
pub(super) const MHZ_MS_PER_GHZ_S: i128 = 1_000 * 1_000;
/// Nanoseconds in a millisecond: rates are per ms of CPU and usage is in ns.
pub(super) const NS_PER_MS: i128 = 1_000_000;

/// What one unit of each meter costs. Amounts per MB·ms are held exactly: a rate of ten decimals needs 23 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Per request.
    pub request: Money,
    /// Per MB·ms on x86_64.
    pub duration_x86_64: Money,
    /// Per MB·ms on arm64.
    pub duration_arm64: Money,
    /// Per MHz·ms of the clock rate that goes with the memory; 0 where the book does not bill it.
    pub clock: Money,
    /// Per ns of CPU time; 0 where the book does not bill it.
    pub cpu: Money,
    /// Per MB·ms of ephemeral storage above the free share.
    pub ephemeral_storage: Money,
    /// Ephemeral storage that costs nothing.
    pub free_ephemeral_storage: Megabytes,
}

/// Usage, and the size that a book bills it as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Billed<'a> {
    pub(super) usage: &'a Usage,
    /// Memory as it is rounded.
    pub(super) memory_mb: i128,
    /// The clock rate that goes with it; 0 where the book has none.
    pub(super) mhz: i128,
}

/// A list price and the book that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPrice {
    /// The exact amount.
    pub amount: Money,
    /// Id and edition, such as `aws-lambda@2025-10-01`.
    pub price_book: String,
}

impl Rates {
    /// The exact list price of usage, be it one attempt's or a sum of many attempts'. CPU time that is not known is none.
    pub(super) fn price(&self, billed: &Billed<'_>) -> Result<Money, MoneyError> {
        let usage = billed.usage;
        let ms = i128::from(usage.billed_ms);
        let duration_rate = match usage.architecture {
            Architecture::X86_64 => self.duration_x86_64,
            Architecture::Arm64 => self.duration_arm64,
        };
        let paid_storage = usage.ephemeral_storage.0.saturating_sub(self.free_ephemeral_storage.0);
        let requests = self.request.checked_mul(i128::from(usage.requests))?;
        let duration = duration_rate.checked_mul(billed.memory_mb * ms)?;
        let clock = self.clock.checked_mul(billed.mhz * ms)?;
        let cpu = self.cpu.checked_mul(i128::from(usage.cpu_ns.unwrap_or_default()))?;
        let storage = self.ephemeral_storage.checked_mul(i128::from(paid_storage) * ms)?;
        requests.checked_add(duration)?.checked_add(clock)?.checked_add(cpu)?.checked_add(storage)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::OnceLock;
    use std::time::Duration;

    use crate::cost::PriceBooks;
    use crate::model::{FunctionSpec, Invocation, Outcome, Phases};
    use crate::units::{ByteCount, Timestamp};

    use super::*;

    fn usage(requests: u32, billed_ms: i64, memory: u32, storage: u32, architecture: Architecture) -> Usage {
        Usage {
            requests,
            billed_ms,
            memory: Megabytes(memory),
            ephemeral_storage: Megabytes(storage),
            streamed: ByteCount(0),
            cpu_ns: None,
            architecture,
        }
    }

    /// The program's books, read once for all cases.
    fn books() -> &'static PriceBooks {
        static BOOKS: OnceLock<PriceBooks> = OnceLock::new();
        BOOKS.get_or_init(|| PriceBooks::embedded().expect("the embedded books are right"))
    }

    fn price(region: &str, usage: &Usage) -> Money {
        let book = books().get("aws-lambda").expect("it is embedded");
        book.list_price(region, Timestamp::from_micros(1_790_000_000_000_000), usage).expect("in range").amount
    }

    /// 154 ms at 2048 MB on x86: 0.308 GiB·s at 0.0000166667, and a request.
    #[test]
    fn one_invocation_to_the_last_digit() {
        let amount = price("us-east-1", &usage(1, 154, 2048, 512, Architecture::X86_64));
        assert_eq!(amount.to_string(), "0.0000053333436");
        let smallest = price("us-east-1", &usage(0, 1, 1, 512, Architecture::X86_64));
        assert_eq!(smallest.to_string(), "0.00000000001627607421875");
    }

    /// AWS' own worked examples, before the free tier: 3 M requests of 120 ms at 1536 MB come to 9.000018 and 0.60.
    #[test]
    fn worked_examples_of_aws_come_out() {
        let month = price("us-east-1", &usage(3_000_000, 120 * 3_000_000, 1536, 512, Architecture::X86_64));
        assert_eq!(month.to_string(), "9.600018");
        let storage = price("us-east-1", &usage(0, 280 * 6_000_000, 0, 2048, Architecture::X86_64));
        assert_eq!(storage.to_string(), "0.077868");
    }

    #[test]
    fn regions_and_architectures_have_their_own_rates() {
        let second = |arch| usage(0, 1_000, 1024, 512, arch);
        assert_eq!(price("af-south-1", &second(Architecture::X86_64)).to_string(), "0.0000221");
        assert_eq!(price("us-east-1", &second(Architecture::Arm64)).to_string(), "0.0000133334");
        assert_eq!(price("eu-west-1", &second(Architecture::Arm64)).to_string(), "0.0000133334");
    }

    proptest! {
        /// The sum of list prices is the list price of the sum, digit for digit, in whatever groups it is taken.
        #[test]
        fn the_sum_of_prices_is_the_price_of_the_sum(
            attempts in prop::collection::vec((0u32..=1, 0i64..=900_000), 1..200),
            memory in 1u32..=10_240,
            storage in 512u32..=10_240,
            arm in any::<bool>(),
        ) {
            let architecture = if arm { Architecture::Arm64 } else { Architecture::X86_64 };
            let one = |(requests, ms): &(u32, i64)| price("us-east-1", &usage(*requests, *ms, memory, storage, architecture));
            let by_rows = attempts.iter().map(one).fold(Money::ZERO, |sum, amount| sum + amount);
            let requests = attempts.iter().map(|(requests, _)| requests).sum();
            let ms = attempts.iter().map(|(_, ms)| ms).sum();
            prop_assert_eq!(by_rows, price("us-east-1", &usage(requests, ms, memory, storage, architecture)));
        }

        /// What init makes and what the attempt would cost without it are its whole price; no part is negative.
        #[test]
        fn init_cost_and_the_price_without_init_are_the_list_cost(
            init_ns in prop_oneof![Just(0u64), 0u64..4_000_000, 0u64..10_000_000_000],
            handler_ns in prop_oneof![0u64..4_000_000, 0u64..900_000_000_000],
            memory in 1u32..=10_240,
            storage in 512u32..=10_240,
            outcome in prop::sample::select(Outcome::ALL),
            cold in any::<bool>(),
        ) {
            let book = books().get("aws-lambda").expect("it is embedded");
            let spec = FunctionSpec {
                memory: Megabytes(memory), ephemeral_storage: Megabytes(storage), ..FunctionSpec::new("f")
            };
            let (init, handler) = (Duration::from_nanos(init_ns), Duration::from_nanos(handler_ns));
            let blank = Invocation { outcome, ..Invocation::blank(&spec, 1, book.currency()) };
            let cost = |phases: Phases| {
                let row = book.bill(Invocation { cold: Some(cold), phases: phases.into(), ..blank.clone() }).expect("in range");
                (row.list_cost.expect("it is priced"), row.init_cost.expect("it is priced"))
            };
            let (list_cost, init_cost) = cost(Phases { init, handler, ..Phases::default() });
            let (without, no_init) = cost(Phases { handler, ..Phases::default() });
            prop_assert_eq!(no_init, Money::ZERO);
            prop_assert!(init_cost >= Money::ZERO);
            prop_assert_eq!(init_cost > Money::ZERO, cold && list_cost > without);
            if cold {
                prop_assert_eq!(init_cost + without, list_cost);
            }
        }

        #[test]
        fn more_use_never_costs_less(ms in 0i64..1_000_000, more in 0i64..1_000_000, memory in 1u32..=10_240) {
            let less = price("us-east-1", &usage(1, ms, memory, 512, Architecture::X86_64));
            prop_assert!(less >= Money::ZERO);
            prop_assert!(price("us-east-1", &usage(1, ms + more, memory, 512, Architecture::X86_64)) >= less);
        }
    }
}
