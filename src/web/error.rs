//! Why a request was not done, as RFC 9457 has it, and how every part's errors become that. Faults of a guest are
//! made in `answer`.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::ingest::{self, aws_lambda};
use crate::{billing, catalog, cost, query, report, runtime, store, trigger};

/// The media type of every error's body.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A kind of problem: what `type`, `title` and `status` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    slug: &'static str,
    title: &'static str,
    status: u16,
}

const fn kind(status: u16, slug: &'static str, title: &'static str) -> Kind {
    Kind { slug, title, status }
}

pub(super) const INVALID_REQUEST: &Kind = &kind(400, "invalid-request", "The request is not valid");
pub(super) const INVALID_QUERY: &Kind = &kind(400, "invalid-query", "The query is not valid");
pub(super) const NOT_ALLOWED: &Kind = &kind(403, "not-allowed", "The role does not allow this");
pub(super) const CROSS_ORIGIN: &Kind = &kind(403, "cross-origin", "Another site's page may not do this");
pub(super) const QUERY_NOT_ALLOWED: &Kind =
    &kind(403, "query-not-allowed", "Queries read the tables and do nothing else");
pub(super) const NOT_FOUND: &Kind = &kind(404, "not-found", "Nothing is here");
pub(super) const FUNCTION_NOT_FOUND: &Kind = &kind(404, "function-not-found", "There is no such function");
pub(super) const VERSION_NOT_FOUND: &Kind = &kind(404, "version-not-found", "The function has no such version");
pub(super) const METHOD_NOT_ALLOWED: &Kind = &kind(405, "method-not-allowed", "The method is not known here");
pub(super) const NOT_ACCEPTABLE: &Kind = &kind(406, "not-acceptable", "No format that is accepted can be given");
pub(super) const BODY_TOO_SLOW: &Kind = &kind(408, "body-too-slow", "The body did not arrive in time");
pub(super) const FUNCTION_FAILED: &Kind = &kind(409, "function-failed", "The function failed to deploy");
pub(super) const VERSION_NOT_READY: &Kind = &kind(409, "version-not-ready", "The version is being compiled");
pub(super) const TOO_MANY_FUNCTIONS: &Kind = &kind(409, "too-many-functions", "No more functions fit");
pub(super) const BODY_TOO_LARGE: &Kind = &kind(413, "body-too-large", "The body is too large");
pub(super) const UNSUPPORTED_MEDIA_TYPE: &Kind =
    &kind(415, "unsupported-media-type", "The body's type is not known here");
pub(super) const MISDIRECTED: &Kind = &kind(421, "misdirected", "This server does not answer for that host");
pub(super) const INVALID_FUNCTION: &Kind = &kind(422, "invalid-function", "The upload is not a function");
pub(super) const QUERY_LIMIT: &Kind = &kind(422, "query-limit", "The query passed a limit");
pub(super) const REPORT_LIMIT: &Kind = &kind(422, "report-limit", "The report passed a limit");
pub(super) const NOT_PRICED: &Kind = &kind(422, "not-priced", "The month cannot be priced");
pub(super) const THROTTLED: &Kind = &kind(429, "throttled", "A limit turned the call away");
pub(super) const HEAD_TOO_LARGE: &Kind = &kind(431, "head-too-large", "The request's head is too large");
pub(super) const INTERNAL: &Kind = &kind(500, "internal", "Something failed in Faremeter");
pub(super) const PLATFORM_ERROR: &Kind = &kind(500, "platform-error", "Faremeter failed to run the function");
pub(super) const GUEST_ERROR: &Kind = &kind(502, "function-error", "The function failed");
pub(super) const OUT_OF_MEMORY: &Kind = &kind(502, "out-of-memory", "The function ran out of memory");
pub(super) const FUNCTION_PENDING: &Kind = &kind(503, "function-pending", "The function is being compiled");
pub(super) const STORE_FULL: &Kind = &kind(503, "store-full", "The call's record could not be kept");
pub(super) const DISK_FULL: &Kind = &kind(503, "disk-full", "There is no room for the call's record");
pub(super) const STORE_FAULTY: &Kind = &kind(503, "store-faulty", "Records cannot be written");
pub(super) const BUSY: &Kind = &kind(503, "busy", "Too much goes on at once");
pub(super) const STOPPING: &Kind = &kind(503, "stopping", "The server is stopping");
pub(super) const TIMED_OUT: &Kind = &kind(504, "timeout", "The function ran out of time");

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Problem {
    kind: &'static Kind,
    detail: String,
    instance: Option<String>,
    more: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind; `detail` says what was wrong this time.
    pub(super) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), instance: None, more: Vec::new(), headers: Vec::new() }
    }

    /// A wrong request.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, detail)
    }

    /// A fault of our own: logged here, once.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(INTERNAL, error.to_string())
    }

    /// Names the occurrence.
    pub(super) fn instance(mut self, instance: String) -> Self {
        self.instance = Some(instance);
        self
    }

    /// Adds a member to the body.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says that the same may work after a second.
    pub(super) fn retry(self) -> Self {
        self.retry_after(Duration::ZERO)
    }

    /// Says that the same may work after so long: in whole seconds, at least one, as the header has no other.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// What was wrong this time.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is answered where the sender wants a body of its own: status, detail and headers.
    pub(super) fn into_parts(self) -> (StatusCode, String, Vec<(HeaderName, HeaderValue)>) {
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, self.detail, self.headers)
    }

    #[cfg(test)]
    pub(super) fn kind(&self) -> &'static Kind {
        self.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("urn:faremeter:problem:{}", self.kind.slug).into());
        body.insert("title".to_owned(), self.kind.title.into());
        body.insert("status".to_owned(), self.kind.status.into());
        body.insert("detail".to_owned(), self.detail.as_str().into());
        if let Some(instance) = self.instance {
            body.insert("instance".to_owned(), instance.into());
        }
        body.extend(self.more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut response = (status, Value::Object(body).to_string()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Detail(self.detail));
        response
    }
}

/// What a problem's answer says was wrong, for who answers in another form (`otlp::status`).
#[derive(Debug, Clone)]
pub(super) struct Detail(pub(super) String);

impl From<trigger::Error> for Problem {
    fn from(error: trigger::Error) -> Self {
        use trigger::Error as E;
        match error {
            E::NotFound(_) => Self::new(FUNCTION_NOT_FOUND, error.to_string()),
            E::Pending { .. } => Self::new(FUNCTION_PENDING, error.to_string()).retry(),
            E::Failed { .. } => Self::new(FUNCTION_FAILED, error.to_string()),
            E::VersionPending { .. } => Self::new(VERSION_NOT_READY, error.to_string()).retry(),
            E::Spec(_) | E::Price(cost::Error::Unknown { .. }) => Self::invalid(error.to_string()),
            E::Price(_) => Self::internal(&error),
            E::Guest(error) => error.into(),
            E::Catalog(error) => error.into(),
            E::Store(error) => error.into(),
            E::Stopping => Self::new(STOPPING, error.to_string()).retry(),
        }
    }
}

impl From<runtime::Error> for Problem {
    fn from(error: runtime::Error) -> Self {
        match error {
            runtime::Error::InvalidGuest(reason) => Self::new(INVALID_FUNCTION, reason),
            runtime::Error::SetAside { .. } => Self::invalid(error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        match error {
            catalog::Error::NotFound(_) => Self::new(FUNCTION_NOT_FOUND, error.to_string()),
            catalog::Error::NoVersion { .. } => Self::new(VERSION_NOT_FOUND, error.to_string()),
            catalog::Error::TooMany(_) => Self::new(TOO_MANY_FUNCTIONS, error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Full { .. } | store::Error::Slots { .. } => Self::new(STORE_FULL, error.to_string()).retry(),
            store::Error::NoSpace(_) => Self::new(DISK_FULL, error.to_string()).retry(),
            store::Error::Faulty(_) => {
                tracing::error!(%error, "a request failed");
                Self::new(STORE_FAULTY, error.to_string())
            }
            store::Error::Closed => Self::new(STOPPING, error.to_string()).retry(),
            other => Self::internal(&other),
        }
    }
}

impl From<ingest::Error> for Problem {
    fn from(error: ingest::Error) -> Self {
        match error {
            ingest::Error::Bad(detail) => Self::invalid(detail),
            ingest::Error::Unsupported(detail) => Self::new(UNSUPPORTED_MEDIA_TYPE, detail),
            ingest::Error::TooLarge(detail) => Self::new(BODY_TOO_LARGE, detail),
            ingest::Error::Busy { reason, retry_after } => Self::new(BUSY, reason).retry_after(retry_after),
            ingest::Error::Faulty(detail) => Self::internal(&detail),
        }
    }
}

impl From<query::Error> for Problem {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::Invalid(detail) => Self::new(INVALID_QUERY, detail),
            query::Error::Forbidden(detail) => Self::new(QUERY_NOT_ALLOWED, detail),
            query::Error::Limit(detail) => Self::new(QUERY_LIMIT, detail),
            query::Error::Busy(detail) => Self::new(BUSY, detail).retry(),
            query::Error::Internal(detail) => Self::internal(&detail),
        }
    }
}

impl From<billing::Error> for Problem {
    fn from(error: billing::Error) -> Self {
        use billing::Error as E;
        match error {
            E::Query(error) => error.into(),
            E::Store(error) => error.into(),
            E::Rating(_) | E::TooLarge => Self::new(NOT_PRICED, error.to_string()),
            E::Limit(detail) => Self::new(REPORT_LIMIT, detail),
            E::Books(_) | E::Charges(_) | E::Internal(_) => Self::internal(&error),
        }
    }
}

impl From<report::Error> for Problem {
    fn from(error: report::Error) -> Self {
        match error {
            report::Error::TooManyRows { .. } | report::Error::TooLarge { .. } => {
                Self::new(REPORT_LIMIT, error.to_string())
            }
            report::Error::Refused { .. } => Self::internal(&error),
        }
    }
}

impl From<aws_lambda::Error> for Problem {
    fn from(error: aws_lambda::Error) -> Self {
        use aws_lambda::Error as E;
        match error {
            E::Invalid(detail) => Self::invalid(detail),
            E::Unreadable(_) => Self::invalid(error.to_string()),
            E::TooLarge { limit } => Self::new(BODY_TOO_LARGE, error.to_string()).with("limit_bytes", limit),
            E::Busy(_) => Self::new(BUSY, error.to_string()).retry(),
            E::Store(error) => error.into(),
            E::Stopped => Self::new(STOPPING, error.to_string()).retry(),
            E::Lookup(_) | E::Price(_) => Self::internal(&error),
        }
    }
}

impl From<aws_lambda::Failed> for Problem {
    fn from(failed: aws_lambda::Failed) -> Self {
        let so_far = serde_json::to_value(&failed.so_far).unwrap_or_default();
        let detail = failed.to_string();
        let problem = Self::from(failed.error).with("so_far", so_far);
        Self { detail, ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_the_caller_can_do() {
        let name = || "f".to_owned();
        let full = store::NoSpace::Limit { used: 2, limit: 1 };
        let cases: [(Problem, &Kind, bool); 10] = [
            (trigger::Error::NotFound(name()).into(), FUNCTION_NOT_FOUND, false),
            (trigger::Error::Pending { name: name(), version: 1 }.into(), FUNCTION_PENDING, true),
            (trigger::Error::Failed { name: name(), version: 1, reason: name() }.into(), FUNCTION_FAILED, false),
            (trigger::Error::Stopping.into(), STOPPING, true),
            (store::Error::Full { waiting: 2, limit: 1 }.into(), STORE_FULL, true),
            (store::Error::NoSpace(full).into(), DISK_FULL, true),
            (store::Error::Faulty(name()).into(), STORE_FAULTY, false),
            (catalog::Error::TooMany(3).into(), TOO_MANY_FUNCTIONS, false),
            (query::Error::Limit(name()).into(), QUERY_LIMIT, false),
            (query::Error::Busy(name()).into(), BUSY, true),
        ];
        for (problem, kind, retry) in cases {
            assert_eq!(problem.kind, kind);
            assert_eq!(problem.into_response().headers().contains_key(RETRY_AFTER), retry, "{kind:?}");
        }
    }
}
