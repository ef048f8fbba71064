//! Owns the moments at which calls arrive and what they ask for, function by function and hour by hour. The past and the
//! future come from the same draws: history takes those before a moment, the live load those after it.

use super::chance::{Chance, Place};
use super::traffic::{Function, Traffic};

const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: f64 = 60_000_000.0;
const MINUTE_S: f64 = 60.0;

/// A call that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When, µs since the epoch.
    pub(super) at_us: i64,
    /// Which function, by its place in the traffic.
    pub(super) function: usize,
    /// How long it waits for others.
    pub(super) wait_ms: u32,
    /// Which payload it has; it ends as that does if nothing else happens.
    pub(super) payload: usize,
}

/// All arrivals from a moment on, in order.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    /// The next hour to be drawn, since the epoch.
    hour: i64,
    from_us: i64,
    /// One hour's, the next last.
    drawn: Vec<Arrival>,
}

impl Arrivals {
    pub(super) fn from(from_us: i64) -> Self {
        Self { hour: from_us.div_euclid(HOUR_US), from_us, drawn: Vec::new() }
    }

    /// The next arrival before `before_us`, if there is one: it is taken only then.
    pub(super) fn next(&mut self, traffic: &Traffic, before_us: i64) -> Option<Arrival> {
        self.peek(traffic, before_us)?;
        self.drawn.pop()
    }

    /// The next arrival before `before_us`, which stays.
    pub(super) fn peek(&mut self, traffic: &Traffic, before_us: i64) -> Option<Arrival> {
        while self.drawn.is_empty() && self.hour.saturating_mul(HOUR_US) < before_us {
            for function in 0..traffic.functions.len() {
                draw_hour(traffic, function, self.hour, &mut self.drawn);
            }
            let from_us = self.from_us;
            self.drawn.retain(|arrival| arrival.at_us >= from_us);
            self.drawn.sort_unstable_by_key(|arrival| std::cmp::Reverse((arrival.at_us, arrival.function)));
            self.hour += 1;
        }
        self.drawn.last().copied().filter(|arrival| arrival.at_us < before_us)
    }
}

/// A Poisson process whose rate changes each minute: waits of mean 1 are used up by the rate.
fn draw_hour(traffic: &Traffic, function: usize, hour: i64, drawn: &mut Vec<Arrival>) {
    let rates = traffic.rates(function, hour);
    if rates.iter().all(|rate| *rate == 0.0) {
        return;
    }
    let mut chance = Chance::at(traffic.seed, Place::Arrivals, function_key(&traffic.functions[function]), hour as u64);
    let mut wait = chance.exponential();
    for (minute, rate) in rates.iter().enumerate() {
        let mut left = rate * MINUTE_S;
        let calls = left;
        while wait < left {
            left -= wait;
            let within = (1.0 - left / calls) * MINUTE_US;
            let at_us = hour * HOUR_US + minute as i64 * 60_000_000 + within as i64;
            drawn.push(draw(traffic, function, at_us, &mut chance));
            wait = chance.exponential();
        }
        wait -= left;
    }
}

fn draw(traffic: &Traffic, function: usize, at_us: i64, chance: &mut Chance) -> Arrival {
    let found = &traffic.functions[function];
    let sample = &found.sample;
    let rare = sample.rare_one_in.is_some_and(|one_in| chance.happens(1.0 / f64::from(one_in)));
    let payload = if rare {
        sample.payloads.len() + chance.below(sample.rare_payloads.len())
    } else {
        chance.below(sample.payloads.len())
    };
    let longest = sample.spec.timeout.as_secs_f64() * 1_000.0 + 1_000.0;
    let wait_ms = (wait(found, chance) * traffic.slow(function, at_us)).min(longest).round() as u32;
    Arrival { at_us, function, wait_ms, payload }
}

/// One of the mixture, ms.
fn wait(function: &Function, chance: &mut Chance) -> f64 {
    let modes = &function.recipe.wait;
    let mut at: f64 = chance.uniform() * modes.iter().map(|mode| mode.weight).sum::<f64>();
    for mode in modes {
        if at < mode.weight {
            return mode.ms.draw(chance);
        }
        at -= mode.weight;
    }
    0.0
}

/// The function's name as a number, so that a function more leaves the others' draws as they are.
pub(super) fn function_key(function: &Function) -> u64 {
    // FNV-1a.
    function
        .name()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
