//! A payment and the model that scores it.

use kit::json;

use crate::history::History;

const MAX_CENTS: u64 = 10_000_000;
const MAX_HISTORY: u64 = 1_000_000;

/// What the model has learned; made up.
const BIAS: f64 = -5.2;
const PER_AMOUNT: f64 = 0.9;
const ABROAD: f64 = 1.7;
const AT_NIGHT: f64 = 1.1;
const PER_DEVIATION: f64 = 0.6;
const PER_REPETITION: f64 = 1.4;

pub(crate) struct Payment {
    pub(crate) name: String,
    cents: u64,
    abroad: bool,
    /// 0 to 23.
    hour: u64,
    history: usize,
}

impl Payment {
    pub(crate) fn parse(text: &str) -> Result<Payment, String> {
        let value = json::parse(text)?;
        let payment = Payment {
            name: value.text("payment")?,
            cents: value.number("cents")?,
            abroad: value.text("country")? != value.text("card_country")?,
            hour: value.number("hour")?,
            history: value.number_or("history", 0)?.min(MAX_HISTORY + 1) as usize,
        };
        if payment.cents > MAX_CENTS || payment.hour > 23 || payment.history as u64 > MAX_HISTORY {
            return Err(format!("cents go to {MAX_CENTS}, hour to 23, history to {MAX_HISTORY}"));
        }
        Ok(payment)
    }

    /// 0 to 1000.
    pub(crate) fn score(&self) -> u32 {
        let history = History::of(&self.name, self.history);
        let flag = |holds: bool| if holds { 1.0 } else { 0.0 };
        let evidence = BIAS
            + PER_AMOUNT * (self.cents as f64 / 5_000.0).ln_1p()
            + ABROAD * flag(self.abroad)
            + AT_NIGHT * flag(self.hour < 6)
            + PER_DEVIATION * history.deviation(self.cents)
            + PER_REPETITION * history.repetition();
        (1000.0 / (1.0 + (-evidence).exp())).round() as u32
    }
}
