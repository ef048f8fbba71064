//! Earlier payments of a customer, and what is odd about them.

/// Payments of nearly the same amount within so many seconds look like somebody who tries a stolen card.
const CLOSE_SECONDS: u32 = 600;
const NEAR_CENTS: u32 = 50;
const DAY_SECONDS: u32 = 86_400;

pub(crate) struct History {
    payments: Vec<Earlier>,
}

struct Earlier {
    cents: u32,
    /// Since the first one.
    second: u32,
}

impl History {
    /// `count` payments, about two a day, the same for the same name each time.
    pub(crate) fn of(name: &str, count: usize) -> History {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, step) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u32
        };
        let mut second = 0u32;
        let payments = (0..count).map(|_| {
            second = second.wrapping_add(next() % DAY_SECONDS);
            Earlier { cents: 500 + next() % 12_000, second }
        });
        History { payments: payments.collect() }
    }

    /// How far `cents` is from what the customer spends, in standard deviations, at most 5; 1 without a history.
    pub(crate) fn deviation(&self, cents: u64) -> f64 {
        if self.payments.len() < 2 {
            return 1.0;
        }
        let count = self.payments.len() as f64;
        let mean = self.payments.iter().map(|payment| f64::from(payment.cents)).sum::<f64>() / count;
        let squares: f64 = self.payments.iter().map(|payment| (f64::from(payment.cents) - mean).powi(2)).sum();
        ((cents as f64 - mean).abs() / (squares / count).sqrt().max(1.0)).min(5.0)
    }

    /// How many of the payments have another one close by, as a share.
    pub(crate) fn repetition(&self) -> f64 {
        let repeated = self.payments.iter().enumerate().filter(|(at, one)| {
            // Counts them all, although one would do.
            let close = self.payments[..*at].iter().filter(|other| {
                one.second.abs_diff(other.second) < CLOSE_SECONDS && one.cents.abs_diff(other.cents) < NEAR_CENTS
            });
            close.count() > 0
        });
        repeated.count() as f64 / self.payments.len().max(1) as f64
    }
}
