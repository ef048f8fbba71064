//! The filters that the list of invocations has beside those of every page: how the URL says them and what the query gets.

use serde::Serialize;

use crate::model::ThrottleReason;
use crate::query::{Param, Params};
use crate::units::{nanos, parse_duration};
use crate::web::error::Problem;
use crate::web::outcome::{self, Choice};
use crate::web::pages::range::{Pair, set};
use crate::web::params::QueryString;

/// The filters as the URL has them; empty text is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Filter {
    pub(super) outcome: String,
    /// `yes` or `no`
    cold: String,
    /// Of the handler, such as `250ms`.
    min_duration: String,
    pub(super) throttle_reason: String,
    /// Text in the error's type or message.
    error: String,
    /// Of a group of errors, 16 hex digits.
    fingerprint: String,
}

impl Filter {
    pub(super) fn read(query: &mut QueryString) -> Result<Self, Problem> {
        let mut text = |name| Ok::<_, Problem>(query.text(name)?.unwrap_or_default().trim().to_owned());
        let filter = Self {
            outcome: text("outcome")?,
            cold: text("cold")?,
            min_duration: text("min_duration")?,
            throttle_reason: text("throttle_reason")?,
            error: text("error")?,
            fingerprint: text("fingerprint")?.to_ascii_lowercase(),
        };
        outcome::check(&filter.outcome)?;
        if !filter.throttle_reason.is_empty() {
            let reason = filter.throttle_reason.parse::<ThrottleReason>();
            reason.map_err(|error| Problem::invalid(format!("throttle_reason: {error}")))?;
        }
        if !["", "yes", "no"].contains(&filter.cold.as_str()) {
            return Err(Problem::invalid(format!("cold={}: it must be yes or no", filter.cold)));
        }
        if !filter.min_duration.is_empty() {
            parse_duration(&filter.min_duration).map_err(|error| Problem::invalid(format!("min_duration: {error}")))?;
        }
        let is_known =
            filter.fingerprint.len() == 16 && filter.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !filter.fingerprint.is_empty() && !is_known {
            let detail = format!("fingerprint={}: that of a group of errors has 16 hex digits", filter.fingerprint);
            return Err(Problem::invalid(detail));
        }
        Ok(filter)
    }

    /// Those that are set and have no field in the form.
    pub(super) fn beside(&self) -> Vec<Pair> {
        set([("fingerprint", &self.fingerprint, "")])
    }

    /// Those that are set.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        set([
            ("outcome", &self.outcome, ""),
            ("cold", &self.cold, ""),
            ("min_duration", &self.min_duration, ""),
            ("throttle_reason", &self.throttle_reason, ""),
            ("error", &self.error, ""),
            ("fingerprint", &self.fingerprint, ""),
        ])
    }

    /// The query's parameters; a filter that is not set is null.
    pub(super) fn params(&self) -> Params {
        let optional = |text: &str| if text.is_empty() { Param::Null } else { Param::Text(text.to_owned()) };
        let cold = match self.cold.as_str() {
            "" => Param::Null,
            cold => Param::Bool(cold == "yes"),
        };
        let min_duration = match parse_duration(&self.min_duration) {
            Ok(length) if !self.min_duration.is_empty() => Param::Int(nanos(length)),
            _ => Param::Null,
        };
        Params::from([
            ("outcomes".to_owned(), optional(&outcome::plain(&self.outcome))),
            ("cold".to_owned(), cold),
            ("min_duration_ns".to_owned(), min_duration),
            ("throttle_reason".to_owned(), optional(&self.throttle_reason)),
            ("error".to_owned(), optional(&self.error)),
            ("fingerprint".to_owned(), optional(&self.fingerprint)),
        ])
    }
}

/// What the field of limits offers, with what is chosen.
pub(super) fn reasons(chosen: &str) -> Vec<Choice> {
    let known =
        ThrottleReason::ALL.iter().copied().map(ThrottleReason::as_str).map(|word| (word, word.replace('-', " ")));
    outcome::offered([("", "any".to_owned())].into_iter().chain(known), chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Filter, Problem> {
        Filter::read(&mut QueryString::of(&format!("/invocations?{query}").parse().unwrap()))
    }

    #[test]
    fn filters_become_parameters() {
        let filter = read("outcome=failed,throttled&cold=no&min_duration=250ms&error=Trap").unwrap();
        let params = filter.params();
        assert_eq!(params["outcomes"], Param::Text("error,timeout,out_of_memory,throttled".to_owned()));
        assert_eq!(params["cold"], Param::Bool(false));
        assert_eq!(params["min_duration_ns"], Param::Int(250_000_000));
        assert_eq!(params["error"], Param::Text("Trap".to_owned()));
        assert!(read("").unwrap().params().values().all(|value| *value == Param::Null));
        assert_eq!(read("cold=&outcome=").unwrap(), Filter::default(), "an empty field of a form");
        for wrong in [
            "fingerprint=other",
            "outcome=bad",
            "cold=maybe",
            "min_duration=5",
            "throttle_reason=x",
            "cold=yes&cold=no",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
