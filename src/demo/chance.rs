//! Owns chance: numbers that a seed and a place fix for good, on every machine and with every release. What they decide
//! is not known here.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::Deserialize;

/// A generator of its own for each place: other places do not change what it gives.
#[derive(Debug, Clone)]
pub(super) struct Chance {
    rng: ChaCha8Rng,
    /// Normal numbers come in pairs.
    spare: Option<f64>,
}

/// What a generator is for: places of different kinds never share one.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(super) enum Place {
    /// Arrivals of one function in one hour.
    Arrivals = 1,
    /// What becomes of one function's calls from a moment on.
    Fates = 2,
}

impl Chance {
    /// The generator of a place: its kind, and two numbers that name it.
    pub(super) fn at(seed: u64, place: Place, first: u64, second: u64) -> Self {
        let mut key = [0; 32];
        for (part, number) in key.chunks_exact_mut(8).zip([seed, place as u64, first, second]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        Self { rng: ChaCha8Rng::from_seed(key), spare: None }
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A number from 0 to below 1.
    pub(super) fn uniform(&mut self) -> f64 {
        unit(self.rng.next_u64())
    }

    /// Whether something that happens with this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number below `count`, which is above 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// A wait of mean 1 for something that has no memory.
    pub(super) fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// A number of the normal distribution with mean 0 and deviation 1, by the method of Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (self.uniform() * std::f64::consts::TAU).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

/// 53 of the bits as a number from 0 to below 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A log-normal distribution: `[median, sigma]`, sigma being the deviation of the logarithm.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(from = "(f64, f64)")]
pub(super) struct LogNormal {
    pub(super) median: f64,
    pub(super) sigma: f64,
}

impl From<(f64, f64)> for LogNormal {
    fn from((median, sigma): (f64, f64)) -> Self {
        Self { median, sigma }
    }
}

impl LogNormal {
    /// One number of it; nothing is drawn where there is nothing to decide.
    pub(super) fn draw(self, chance: &mut Chance) -> f64 {
        if self.median == 0.0 || self.sigma == 0.0 {
            self.median
        } else {
            self.median * (self.sigma * chance.normal()).exp()
        }
    }

    /// Its mean.
    pub(super) fn mean(self) -> f64 {
        self.median * (self.sigma * self.sigma / 2.0).exp()
    }

    /// Whether it is one.
    pub(super) fn is_valid(self) -> bool {
        self.median.is_finite() && self.median >= 0.0 && self.sigma.is_finite() && (0.0..=3.0).contains(&self.sigma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release that draws other numbers would load other histories into folders that were begun before it.
    #[test]
    fn the_numbers_never_change() {
        let mut chance = Chance::at(1, Place::Arrivals, 2, 3);
        let first = [chance.bits(), chance.bits()];
        assert_eq!(first, [0xc8fe_8f85_dd7c_b658, 0xc2df_dff4_01ec_427e]);
        for mut other in [
            Chance::at(2, Place::Arrivals, 2, 3),
            Chance::at(1, Place::Fates, 2, 3),
            Chance::at(1, Place::Arrivals, 3, 3),
        ] {
            assert_ne!(other.bits(), first[0]);
        }
    }

    #[test]
    fn draws_have_the_shape_that_they_are_asked_for() {
        let mut chance = Chance::at(7, Place::Fates, 0, 0);
        let spread = LogNormal { median: 50.0, sigma: 0.6 };
        let mut draws: Vec<f64> = (0..20_000).map(|_| spread.draw(&mut chance)).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        draws.sort_by(f64::total_cmp);
        assert!((48.5..51.5).contains(&draws[10_000]), "median {}", draws[10_000]);
        assert!((0.97..1.03).contains(&(mean / spread.mean())), "mean {mean}");
        let waits = (0..20_000).map(|_| chance.exponential()).sum::<f64>() / 20_000.0;
        assert!((0.97..1.03).contains(&waits), "{waits}");
        assert!((0..1_000).all(|_| chance.below(3) < 3));
    }
}
