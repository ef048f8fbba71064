//! Reads query strings strictly: a parameter that is not known, given twice or malformed is an answer of 400 that
//! names it.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use http::Uri;

use super::error::Problem;

/// A query string that is being read. `finish` must be called: it refuses what was not asked for.
pub(super) struct QueryString {
    pairs: Vec<(String, String)>,
    known: Vec<Cow<'static, str>>,
}

impl QueryString {
    /// The query string of `uri`.
    pub(super) fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        Self { pairs: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(), known: Vec::new() }
    }

    /// A parameter that may be given once.
    pub(super) fn text(&mut self, name: impl Into<Cow<'static, str>>) -> Result<Option<String>, Problem> {
        let name = name.into();
        let mut values = self.many(name.clone());
        if values.len() > 1 {
            return Err(Problem::invalid(format!("the parameter '{name}' is given {} times", values.len())));
        }
        Ok(values.pop())
    }

    /// A parameter that may be given once and is read as a `T`.
    pub(super) fn read<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        self.read_with(name, |text| text.parse::<T>())
    }

    /// A parameter that may be given once and is read by `read`.
    pub(super) fn read_with<T, E: Display>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let text = self.text(name)?;
        let read = |text: String| read(&text).map_err(|error| Problem::invalid(format!("{name}={text}: {error}")));
        text.map(read).transpose()
    }

    /// A parameter that may be given any number of times, each as `KEY=VALUE`.
    pub(super) fn pairs(&mut self, name: &'static str) -> Result<Vec<(String, String)>, Problem> {
        let split = |pair: String| match pair.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(Problem::invalid(format!("{name}={pair}: write {name}=KEY=VALUE"))),
        };
        let pairs = self.many(name).into_iter().map(split).collect::<Result<Vec<_>, _>>()?;
        let twice = pairs.iter().enumerate().find(|(index, (key, _))| pairs[..*index].iter().any(|(k, _)| k == key));
        match twice {
            Some((_, (key, _))) => Err(Problem::invalid(format!("{name}={key}=... is given twice"))),
            None => Ok(pairs),
        }
    }

    /// A parameter that may be given any number of times.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.many(name)
    }

    /// How many items a page has: 1 to 1000.
    pub(super) fn limit(&mut self, default: usize) -> Result<usize, Problem> {
        match self.read::<usize>("limit")?.unwrap_or(default) {
            limit @ 1..=1_000 => Ok(limit),
            limit => Err(Problem::invalid(format!("limit={limit}: it must be from 1 to 1000"))),
        }
    }

    /// Refuses parameters that were not asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let Some((name, _)) = self.pairs.first() else { return Ok(()) };
        let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        Err(Problem::invalid(format!("the parameter '{name}' is not known here; known are: {known}")))
    }

    fn many(&mut self, name: impl Into<Cow<'static, str>>) -> Vec<String> {
        let name = name.into();
        let (asked, rest) = std::mem::take(&mut self.pairs).into_iter().partition(|(given, _)| *given == *name);
        self.pairs = rest;
        self.known.push(name);
        let asked: Vec<(String, String)> = asked;
        asked.into_iter().map(|(_, value)| value).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn of(query: &str) -> QueryString {
        QueryString::of(&format!("/x?{query}").parse().expect("a URI"))
    }

    #[test]
    fn parameters_are_read_strictly() {
        let mut query = of("limit=5&env=A%3D1&env=B=2=3&name=x%20y");
        assert_eq!(query.limit(100).ok(), Some(5));
        assert_eq!(query.text("name").ok().flatten().as_deref(), Some("x y"));
        let pairs = query.pairs("env").expect("pairs");
        assert_eq!(pairs, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2=3".to_owned())]);
        assert!(query.finish().is_ok());
        assert_eq!(of("").limit(100).ok(), Some(100));
        for wrong in ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1&limit=2", "limit="] {
            assert!(of(wrong).limit(100).is_err(), "{wrong}");
        }
        assert!(of("env=A").pairs("env").is_err());
        assert!(of("env=A=1&env=A=2").pairs("env").is_err());
        let unknown = of("limt=5").finish().expect_err("unknown").into_response();
        assert_eq!(unknown.status(), 400);
    }
}
