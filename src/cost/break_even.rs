//! What provisioned concurrency would have cost a function, replayed over its own arrivals. Pure and exact, at list
//! prices: first tier, no free allowance, so that it compares with `list_cost`.
//!
//! An arrival takes the lowest of the provisioned environments that is free; where all are busy it runs on demand, as it
//! did. Whether environment k is free depends on those below it alone, so one replay tells every number of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::Architecture;
use crate::units::{Currency, Megabytes, Money, MoneyError, Timestamp, nanos};

use super::list::MB_MS_PER_GIB_S;
use super::rating::{Book, Edition, Source};

/// Environments that a replay looks at (1,000, AWS' default for an account); what finds them busy runs on demand.
pub const MAX_ENVIRONMENTS: usize = 1_000;

/// What provisioned environments cost in one edition, region and architecture.
#[derive(Debug, Clone)]
pub struct ProvisionedRates {
    /// Id and edition, such as `aws-lambda@2025-10-01`.
    pub price_book: String,
    /// What amounts are in.
    pub currency: Currency,
    request: Money,
    /// Per MB·ms in which they run.
    duration: Money,
    /// Per MB·ms for which they stand ready.
    capacity: Money,
    /// Per MB·ms of ephemeral storage above the free share.
    storage: Money,
    free_storage: Megabytes,
    /// Capacity is billed in steps of so long.
    step: Duration,
    minimum: Duration,
}

/// An attempt that ran.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub at: Timestamp,
    /// How long its handler ran.
    pub handler: Duration,
    pub memory: Megabytes,
    pub storage: Megabytes,
    /// What it cost on demand.
    pub list_cost: Money,
    pub cold: bool,
}

/// What so many provisioned environments would have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    pub environments: usize,
    /// For standing ready.
    pub capacity: Money,
    /// For what ran in them.
    pub ran: Money,
    /// For what found them busy and ran on demand.
    pub spilled: Money,
    /// All three.
    pub total: Money,
    /// Arrivals that ran in them.
    pub served: u64,
    /// Cold starts that would not have been.
    pub cold_starts_saved: u64,
    /// ms of handlers in them.
    pub busy: Duration,
}

impl Provisioned {
    /// No environment: what was paid on demand.
    #[must_use]
    pub fn none(paid: Money) -> Self {
        Self {
            environments: 0,
            capacity: Money::ZERO,
            ran: Money::ZERO,
            spilled: paid,
            total: paid,
            served: 0,
            cold_starts_saved: 0,
            busy: Duration::ZERO,
        }
    }
}

/// A replay's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakEven {
    /// From none, which is what was paid on demand, to one more than were ever busy at once.
    pub options: Vec<Provisioned>,
    /// The cheapest of them; the fewest environments where several cost the same.
    pub best: usize,
    pub arrivals: u64,
    pub cold_starts: u64,
}

/// Takes arrivals in the order of their time.
#[derive(Debug)]
pub struct Replay {
    rates: ProvisionedRates,
    /// When which environment is free again.
    busy: BinaryHeap<Reverse<(i64, usize)>>,
    free: BinaryHeap<Reverse<usize>>,
    environments: Vec<Taken>,
    on_demand: Money,
    arrivals: u64,
    cold_starts: u64,
}

/// What one environment took.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    ran: Money,
    /// What the same cost on demand.
    on_demand: Money,
    served: u64,
    cold: u64,
    busy_ns: i64,
}

impl Book {
    /// What provisioned environments cost at `at`; none where the book has no such prices.
    pub fn provisioned_rates(
        &self,
        region: &str,
        architecture: Architecture,
        at: Timestamp,
    ) -> Result<Option<ProvisionedRates>, MoneyError> {
        let edition = self.edition(at);
        let rate = |source| rate(edition, region, source, architecture);
        let rules = &edition.rules;
        let rates = [Source::Requests, Source::ProvisionedDurationMemory, Source::ProvisionedMemory].map(rate);
        let [Some(request), Some(duration), Some(capacity)] = rates else { return Ok(None) };
        Ok(Some(ProvisionedRates {
            price_book: edition.label.clone(),
            currency: self.currency(),
            request: request?,
            duration: duration?,
            capacity: capacity?,
            storage: rate(Source::EphemeralStorage).unwrap_or(Ok(Money::ZERO))?,
            free_storage: Megabytes(rules.free_ephemeral_storage_mb),
            step: Duration::from_secs(u64::from(rules.provisioned_step_s)),
            minimum: Duration::from_secs(u64::from(rules.minimum_provisioned_s)),
        }))
    }
}

/// The first tier's price of one of what the source is counted in.
fn rate(
    edition: &Edition,
    region: &str,
    source: Source,
    architecture: Architecture,
) -> Option<Result<Money, MoneyError>> {
    let price = edition.first_price(Some(region), source, Some(architecture))?;
    Some(price.map_err(|_| MoneyError::OutOfRange).and_then(|price| price.to_string().parse()))
}

impl ProvisionedRates {
    /// What an attempt costs in a provisioned environment, which was initialized before.
    fn ran(&self, arrival: &Arrival) -> Result<Money, MoneyError> {
        let ms = whole_ms(arrival.handler).max(1);
        let storage = arrival.storage.0.saturating_sub(self.free_storage.0);
        let duration = self.duration.checked_mul(i128::from(arrival.memory.0) * ms)?;
        let storage = self.storage.checked_mul(i128::from(storage) * ms)?;
        self.request.checked_add(duration)?.checked_add(storage)
    }

    /// What one environment costs for standing ready.
    fn stood(&self, memory: Megabytes, window: Duration) -> Result<Money, MoneyError> {
        let window = whole_ms(window.max(self.minimum));
        let step = whole_ms(self.step).max(1);
        let billed = (window + step - 1).div_euclid(step) * step;
        self.capacity.checked_mul(i128::from(memory.0) * billed)
    }

    /// What standing ready costs for a GiB and second, for people.
    pub fn capacity_per_gib_s(&self) -> Result<Money, MoneyError> {
        self.capacity.checked_mul(MB_MS_PER_GIB_S)
    }

    /// What running costs for a GiB and second, for people.
    pub fn duration_per_gib_s(&self) -> Result<Money, MoneyError> {
        self.duration.checked_mul(MB_MS_PER_GIB_S)
    }
}

/// ms, rounded up.
fn whole_ms(length: Duration) -> i128 {
    i128::from(nanos(length)).saturating_add(999_999) / 1_000_000
}

impl Replay {
    /// Nothing has arrived yet.
    #[must_use]
    pub fn new(rates: ProvisionedRates) -> Self {
        Self {
            rates,
            busy: BinaryHeap::new(),
            free: BinaryHeap::new(),
            environments: Vec::new(),
            on_demand: Money::ZERO,
            arrivals: 0,
            cold_starts: 0,
        }
    }

    /// The next arrival; none is earlier than the one before.
    pub fn push(&mut self, arrival: &Arrival) -> Result<(), MoneyError> {
        let at = arrival.at.nanos();
        while let Some(Reverse((until, environment))) = self.busy.peek().copied().filter(|next| next.0.0 <= at) {
            debug_assert!(until <= at);
            self.busy.pop();
            self.free.push(Reverse(environment));
        }
        self.arrivals += 1;
        self.cold_starts += u64::from(arrival.cold);
        self.on_demand = self.on_demand.checked_add(arrival.list_cost)?;
        let environment = match self.free.pop() {
            Some(Reverse(environment)) => environment,
            None if self.environments.len() < MAX_ENVIRONMENTS => {
                self.environments.push(Taken::default());
                self.environments.len() - 1
            }
            None => return Ok(()),
        };
        let length = nanos(arrival.handler);
        self.busy.push(Reverse((at.saturating_add(length), environment)));
        let ran = self.rates.ran(arrival)?;
        let taken = &mut self.environments[environment];
        taken.ran = taken.ran.checked_add(ran)?;
        taken.on_demand = taken.on_demand.checked_add(arrival.list_cost)?;
        taken.served += 1;
        taken.cold += u64::from(arrival.cold);
        taken.busy_ns = taken.busy_ns.saturating_add(length);
        Ok(())
    }

    /// What each number of environments of `memory` would have cost, had they stood ready for the whole window.
    pub fn finish(self, memory: Megabytes, window: Duration) -> Result<BreakEven, MoneyError> {
        let stood = self.rates.stood(memory, window)?;
        let mut options = vec![Provisioned::none(self.on_demand)];
        for (at, taken) in self.environments.iter().enumerate() {
            let before = &options[at];
            let capacity = before.capacity.checked_add(stood)?;
            let ran = before.ran.checked_add(taken.ran)?;
            let spilled = before.spilled.checked_sub(taken.on_demand)?;
            options.push(Provisioned {
                environments: at + 1,
                capacity,
                ran,
                spilled,
                total: capacity.checked_add(ran)?.checked_add(spilled)?,
                served: before.served + taken.served,
                cold_starts_saved: before.cold_starts_saved + taken.cold,
                busy: before.busy + Duration::from_nanos(u64::try_from(taken.busy_ns).unwrap_or(0)),
            });
        }
        let cheapest = options.iter().min_by_key(|option| (option.total, option.environments));
        let best = cheapest.map_or(0, |option| option.environments);
        Ok(BreakEven { options, best, arrivals: self.arrivals, cold_starts: self.cold_starts })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::cost::rating::Books;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn rates() -> ProvisionedRates {
        let books = Books::embedded().expect("they parse");
        let book = books.get("aws-lambda").expect("it is there");
        let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
        let rates = book.provisioned_rates("us-east-1", Architecture::X86_64, at).expect("in range");
        rates.expect("it has provisioned concurrency")
    }

    fn arrival(at_ms: i64, handler_ms: u64, cost: &str) -> Arrival {
        Arrival {
            at: Timestamp::from_micros(at_ms * 1_000),
            handler: Duration::from_millis(handler_ms),
            memory: Megabytes(1_024),
            storage: Megabytes(512),
            list_cost: cost.parse().expect("an amount"),
            cold: at_ms == 0,
        }
    }

    fn replay(arrivals: &[Arrival]) -> BreakEven {
        let mut replay = Replay::new(rates());
        arrivals.iter().for_each(|arrival| replay.push(arrival).expect("in range"));
        replay.finish(Megabytes(1_024), HOUR).expect("in range")
    }

    #[test]
    fn an_hour_of_one_environment_costs_what_the_book_says() {
        // 1 GiB for 3,600 s at 0.0000041667; 100 ms at 0.0000097222; a request at 0.0000002.
        let even = replay(&[arrival(0, 100, "0.0000018667")]);
        let one = &even.options[1];
        assert_eq!(one.capacity.to_string(), "0.01500012");
        assert_eq!(one.ran.to_string(), "0.00000117222");
        assert_eq!((one.spilled, one.served, one.cold_starts_saved), (Money::ZERO, 1, 1));
        assert_eq!((even.best, even.options.len()), (0, 2));
    }

    #[test]
    fn what_finds_all_busy_spills_over() {
        // Three at once, and one more after the first is done.
        let even = replay(&[
            arrival(0, 100, "0.001"),
            arrival(10, 200, "0.002"),
            arrival(20, 50, "0.004"),
            arrival(100, 1, "0.008"),
        ]);
        let spilled: Vec<String> = even.options.iter().map(|option| option.spilled.to_string()).collect();
        assert_eq!(spilled, ["0.015", "0.006", "0.004", "0"]);
        let served: Vec<u64> = even.options.iter().map(|option| option.served).collect();
        assert_eq!(served, [0, 2, 3, 4]);
        assert_eq!(even.options[3].busy, Duration::from_millis(351));
    }

    #[test]
    fn a_busy_function_gains_by_it() {
        // All of the hour, one at a time.
        let all: Vec<Arrival> = (0..36_000).map(|at| arrival(at * 100, 100, "0.0000018667")).collect();
        let even = replay(&all);
        assert_eq!(even.best, 1);
        assert!(even.options[1].total < even.options[0].total);
    }

    /// The same by one simulation for each number of environments.
    fn simulated(arrivals: &[Arrival], environments: usize) -> (u64, Money) {
        let rates = rates();
        let mut until = vec![i64::MIN; environments];
        let (mut served, mut cost) = (0, Money::ZERO);
        for arrival in arrivals {
            let at = arrival.at.nanos();
            let paid = match until.iter_mut().find(|until| **until <= at) {
                Some(free) => {
                    *free = at + nanos(arrival.handler);
                    served += 1;
                    rates.ran(arrival).expect("in range")
                }
                None => arrival.list_cost,
            };
            cost = cost + paid;
        }
        let stood = rates.stood(Megabytes(1_024), HOUR).expect("in range");
        (served, cost + stood.checked_mul(environments as i128).expect("in range"))
    }

    proptest! {
        #[test]
        fn one_replay_is_as_good_as_one_for_each_number(
            steps in prop::collection::vec((0_i64..40, 1_u64..120, 1_u32..1_000), 1..60)
        ) {
            let mut at = 0;
            let arrivals: Vec<Arrival> = steps.iter().map(|(step, handler, cost)| {
                at += step;
                arrival(at, *handler, &format!("0.{cost:09}"))
            }).collect();
            let even = replay(&arrivals);
            for option in &even.options {
                let (served, total) = simulated(&arrivals, option.environments);
                prop_assert_eq!((option.served, option.total), (served, total));
            }
            let least = even.options.iter().map(|option| option.total).min();
            prop_assert_eq!(Some(even.options[even.best].total), least);
        }
    }
}
