//! What traces are searched by, beside the range and the filters of every page: how the URL says it and what queries get.

use serde::Serialize;

use crate::query::{Param, Params};
use crate::units::{nanos, parse_duration};
use crate::web::error::Problem;
use crate::web::outcome;
use crate::web::params::QueryString;

/// The filters as the URL has them; empty text is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Filter {
    pub(in crate::web) outcome: String,
    /// `yes` or `no`
    pub(in crate::web) cold: String,
    /// Such as `250ms`.
    pub(in crate::web) min_duration: String,
    pub(in crate::web) max_duration: String,
    /// `KEY=VALUE`
    pub(in crate::web) attr: String,
}

impl Filter {
    pub(in crate::web) fn read(query: &mut QueryString) -> Result<Self, Problem> {
        let mut text = |name| Ok::<_, Problem>(query.text(name)?.unwrap_or_default().trim().to_owned());
        let filter = Self {
            outcome: text("outcome")?,
            cold: text("cold")?,
            min_duration: text("min_duration")?,
            max_duration: text("max_duration")?,
            attr: text("attr")?,
        };
        outcome::check(&filter.outcome)?;
        if !["", "yes", "no"].contains(&filter.cold.as_str()) {
            return Err(Problem::invalid(format!("cold={}: it must be yes or no", filter.cold)));
        }
        for (name, text) in [("min_duration", &filter.min_duration), ("max_duration", &filter.max_duration)] {
            if !text.is_empty() {
                parse_duration(text).map_err(|error| Problem::invalid(format!("{name}: {error}")))?;
            }
        }
        check_attribute(&filter.attr)?;
        Ok(filter)
    }

    /// Those that are set, as the URL has them.
    pub(in crate::web) fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("outcome", &self.outcome),
            ("cold", &self.cold),
            ("min_duration", &self.min_duration),
            ("max_duration", &self.max_duration),
            ("attr", &self.attr),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }

    /// The queries' parameters; a filter that is not set is null.
    pub(in crate::web) fn params(&self) -> Params {
        let outcomes = outcome::plain(&self.outcome);
        let has = |outcome: &str| outcomes.split(',').any(|other| other == outcome);
        // A span only says whether it failed.
        let status = match (outcomes.is_empty() || has("ok") && has("error"), has("error"), has("ok")) {
            (true, ..) => Param::Null,
            (_, true, _) => Param::Text("failed".to_owned()),
            (.., true) => Param::Text("fine".to_owned()),
            _ => Param::Text("none".to_owned()),
        };
        let cold = if self.cold.is_empty() { Param::Null } else { Param::Bool(self.cold == "yes") };
        let length = |text: &str| match parse_duration(text) {
            Ok(length) if !text.is_empty() => Param::Int(nanos(length)),
            _ => Param::Null,
        };
        let [key, value] = attribute(&self.attr);
        Params::from([
            ("outcomes".to_owned(), optional(&outcomes)),
            ("status".to_owned(), status),
            ("cold".to_owned(), cold),
            ("min_duration_ns".to_owned(), length(&self.min_duration)),
            ("max_duration_ns".to_owned(), length(&self.max_duration)),
            ("attribute_key".to_owned(), key),
            ("attribute_value".to_owned(), value),
        ])
    }
}

/// Text, or null where there is none.
pub(in crate::web) fn optional(text: &str) -> Param {
    if text.is_empty() { Param::Null } else { Param::Text(text.to_owned()) }
}

/// Refuses what is no `KEY=VALUE`; empty text is none.
pub(in crate::web) fn check_attribute(text: &str) -> Result<(), Problem> {
    match text.split_once('=') {
        Some((key, _)) if !key.is_empty() => Ok(()),
        None if text.is_empty() => Ok(()),
        _ => Err(Problem::invalid(format!("attr={text}: write attr=KEY=VALUE"))),
    }
}

/// Key and value, or nulls.
pub(in crate::web) fn attribute(text: &str) -> [Param; 2] {
    match text.split_once('=') {
        Some((key, value)) => [Param::Text(key.to_owned()), Param::Text(value.to_owned())],
        None => [Param::Null, Param::Null],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Filter, Problem> {
        Filter::read(&mut QueryString::of(&format!("/traces?{query}").parse().unwrap()))
    }

    #[test]
    fn filters_become_parameters() {
        let params =
            read("outcome=failed&min_duration=250ms&max_duration=2s&attr=db.name=a=b&cold=no").unwrap().params();
        assert_eq!(params["outcomes"], Param::Text("error,timeout,out_of_memory".to_owned()));
        assert_eq!(params["status"], Param::Text("failed".to_owned()));
        assert_eq!(
            (&params["min_duration_ns"], &params["max_duration_ns"]),
            (&Param::Int(250_000_000), &Param::Int(2_000_000_000))
        );
        assert_eq!(
            (&params["attribute_key"], &params["attribute_value"]),
            (&Param::Text("db.name".into()), &Param::Text("a=b".into()))
        );
        assert_eq!(params["cold"], Param::Bool(false));
        let status = |query: &str| read(query).unwrap().params()["status"].clone();
        assert_eq!(status("outcome=ok"), Param::Text("fine".to_owned()));
        assert_eq!(status("outcome=timeout"), Param::Text("none".to_owned()));
        assert_eq!(status("outcome=ok,error"), Param::Null);
        assert!(read("").unwrap().params().values().all(|value| *value == Param::Null));
    }

    #[test]
    fn what_is_set_is_said_again() {
        let filter = read("outcome=failed&attr=k=v").unwrap();
        assert_eq!(filter.pairs(), [("outcome", "failed".to_owned()), ("attr", "k=v".to_owned())]);
        for wrong in ["outcome=bad", "min_duration=5", "max_duration=1.5s", "attr=k", "attr==v", "cold=maybe"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
