//! What log records are searched by, beside the range and the filters of every page: how the URL says it and what queries
//! get. Whether a regular expression is one is asked of the engine that will run it.

use serde::Serialize;

use crate::query::{Engine, Param, Params};
use crate::web::error::Problem;
use crate::web::panel::window::Window;
use crate::web::params::QueryString;
use crate::web::traces::filter::{attribute, check_attribute, optional};
use crate::web::traces::trace_id;

use super::LEVELS;

/// Characters of a regular expression, at most.
const LONGEST_REGEX: usize = 1_000;

/// The filters as the URL has them; empty text is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Filter {
    /// Words for severities, commas between them.
    pub(in crate::web) severity: String,
    /// Text in the body, in capitals or not.
    pub(in crate::web) q: String,
    /// A regular expression that the body matches.
    pub(in crate::web) regex: String,
    pub(in crate::web) trace_id: String,
    pub(in crate::web) span_id: String,
    pub(in crate::web) invocation_id: String,
    pub(in crate::web) environment_id: String,
    pub(in crate::web) source: String,
    /// `KEY=VALUE`
    pub(in crate::web) attr: String,
}

impl Filter {
    pub(in crate::web) fn read(query: &mut QueryString) -> Result<Self, Problem> {
        let mut text = |name| Ok::<_, Problem>(query.text(name)?.unwrap_or_default().trim().to_owned());
        let mut filter = Self {
            severity: text("severity")?,
            q: text("q")?,
            regex: text("regex")?,
            trace_id: text("trace_id")?,
            span_id: text("span_id")?,
            invocation_id: text("invocation_id")?,
            environment_id: text("environment_id")?,
            source: text("source")?,
            attr: text("attr")?,
        };
        for word in filter.severity.split(',').filter(|word| !word.is_empty()) {
            if !LEVELS.contains(&word) {
                let detail = format!("severity={word}: it must be of {}", LEVELS.join(", "));
                return Err(Problem::invalid(detail));
            }
        }
        if filter.regex.chars().count() > LONGEST_REGEX {
            let detail = format!("the regular expression is longer than {LONGEST_REGEX} characters");
            return Err(Problem::invalid(detail));
        }
        if !filter.trace_id.is_empty() {
            let id = trace_id(&filter.trace_id).ok_or_else(|| {
                Problem::invalid(format!("trace_id={}: a trace's id has 32 hex digits", filter.trace_id))
            })?;
            filter.trace_id = id.to_string();
        }
        filter.span_id.make_ascii_lowercase();
        check_attribute(&filter.attr)?;
        Ok(filter)
    }

    /// Those that are set, as the URL has them.
    pub(in crate::web) fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("severity", &self.severity),
            ("q", &self.q),
            ("regex", &self.regex),
            ("trace_id", &self.trace_id),
            ("span_id", &self.span_id),
            ("invocation_id", &self.invocation_id),
            ("environment_id", &self.environment_id),
            ("source", &self.source),
            ("attr", &self.attr),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }

    /// The queries' parameters, with the range and the filters of every page that log records have too.
    pub(in crate::web) fn params(&self, window: &Window) -> Params {
        let levels = self.severity.split(',').filter_map(|word| LEVELS.iter().position(|level| *level == word));
        let levels: Vec<String> = levels.map(|level| level.to_string()).collect();
        let [key, value] = attribute(&self.attr);
        let mut params = window.params();
        params.retain(|name, _| ["from", "to", "tenant", "function", "version"].contains(&name.as_str()));
        params.extend([
            ("levels".to_owned(), optional(&levels.join(","))),
            ("text".to_owned(), optional(&self.q)),
            ("regex".to_owned(), optional(&self.regex)),
            ("trace_id".to_owned(), optional(&self.trace_id)),
            ("span_id".to_owned(), optional(&self.span_id)),
            ("invocation_id".to_owned(), optional(&self.invocation_id)),
            ("environment_id".to_owned(), optional(&self.environment_id)),
            ("source".to_owned(), optional(&self.source)),
            ("attribute_key".to_owned(), key),
            ("attribute_value".to_owned(), value),
        ]);
        params
    }

    /// Refuses a regular expression that is none, and says where it is wrong.
    pub(in crate::web) async fn check_regex(&self, engine: &Engine) -> Result<(), Problem> {
        if self.regex.is_empty() {
            return Ok(());
        }
        let params = Params::from([("regex".to_owned(), Param::Text(self.regex.clone()))]);
        let tried = engine.sql("-- param regex: text, required\nSELECT regexp_like('', $regex)", &params).await;
        match tried {
            Ok(_) => Ok(()),
            Err(crate::query::Error::Invalid(message)) => {
                Err(Problem::invalid(format!("regex={}: {message}", self.regex)))
            }
            Err(other) => Err(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Filter, Problem> {
        Filter::read(&mut QueryString::of(&format!("/logs?{query}").parse().unwrap()))
    }

    #[test]
    fn filters_become_parameters() {
        let filter = read("severity=warn,error&q=50%25&attr=k=v&trace_id=5759E988BD862E3FE1BE46A994272793").unwrap();
        let now = crate::units::Timestamp::parse_rfc3339("2026-03-10T12:00:00Z").unwrap();
        let asked = "/x?from=now-1h&fn=f&region=r".parse().unwrap();
        let window = Window::read(&mut QueryString::of(&asked), now).unwrap();
        let params = filter.params(&window);
        assert_eq!(params["levels"], Param::Text("4,5".to_owned()));
        assert_eq!((&params["text"], &params["function"]), (&Param::Text("50%".into()), &Param::Text("f".into())));
        assert_eq!(params["trace_id"], Param::Text("5759e988bd862e3fe1be46a994272793".to_owned()));
        assert!(!params.contains_key("region") && !params.contains_key("step"));
        for wrong in ["severity=loud", "trace_id=x", "attr=k", &format!("regex={}", "x".repeat(1_001))] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
