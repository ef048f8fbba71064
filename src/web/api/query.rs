//! Runs queries, of users and named ones, and chooses the format of their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, VARY};
use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::query::{self, Param, Params, QueryResult, format};

use super::{ProblemBody, page};
use crate::web::body;
use crate::web::error::{NOT_ACCEPTABLE, Problem};
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// How many rows an answer has.
pub(in crate::web) const ROWS: HeaderName = HeaderName::from_static("x-faremeter-rows");

/// A query: SQL, or the name of one that is ready-made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct QueryRequest {
    /// One read-only statement. `$name` stands for a parameter.
    #[schema(example = "SELECT function, sum(list_cost) AS cost FROM invocations GROUP BY function")]
    sql: Option<String>,
    /// A named query, instead of `sql`: see `GET /api/v1/queries`.
    name: Option<String>,
    /// Parameters by name: text, numbers, booleans or null. Times are RFC 3339, decimals are text.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: BTreeMap<String, Value>,
}

/// An answer as JSON.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct QueryReply {
    /// The columns, in order.
    columns: Vec<ReplyColumn>,
    /// The rows, each an object by column name. Decimals are text with all their digits.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
}

/// A column of an answer.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct ReplyColumn {
    name: String,
    r#type: String,
}

/// Formats of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Format {
    Json,
    Csv,
    Arrow,
}

impl Format {
    const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Arrow];
    /// Their names in query strings, and of files.
    pub(in crate::web) const NAMES: [&str; 3] = ["json", "csv", "arrow"];

    /// The format of this name.
    pub(in crate::web) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub(in crate::web) fn name(self) -> &'static str {
        let [json, csv, arrow] = Self::NAMES;
        match self {
            Self::Json => json,
            Self::Csv => csv,
            Self::Arrow => arrow,
        }
    }

    pub(in crate::web) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    pub(in crate::web) fn write(self, result: &QueryResult) -> Result<Vec<u8>, query::Error> {
        match self {
            Self::Json => format::json(result),
            Self::Csv => format::csv(result),
            Self::Arrow => format::arrow_ipc(result),
        }
    }

    /// The format that the client likes best; JSON where it does not say.
    pub(in crate::web) fn accepted(headers: &HeaderMap) -> Result<Self, Problem> {
        let accept: Vec<String> = headers
            .get_all(ACCEPT)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        if accept.is_empty() {
            return Ok(Self::Json);
        }
        let accept = accept.join(",");
        let weight = |format: Self| accept.split(',').filter_map(|range| weight(range, format.media_type())).max();
        let ranked = Self::ALL.into_iter().filter_map(|format| Some((weight(format)?.1, format)));
        let best = ranked.filter(|(weight, _)| *weight > 0).fold(None, |best: Option<(u16, Self)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        best.map(|(_, format)| format).ok_or_else(|| {
            let known = Self::ALL.map(Self::media_type).join(", ");
            Problem::new(NOT_ACCEPTABLE, format!("'{accept}' cannot be given; there are {known}"))
        })
    }
}

/// How well a media range fits (the more exact, the better) and its weight in thousandths; none where it does not fit.
fn weight(range: &str, media_type: &str) -> Option<(u8, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let wanted = parts.next()?.to_ascii_lowercase();
    let fits = if wanted == media_type {
        2
    } else if wanted.strip_suffix("/*").is_some_and(|group| media_type.split('/').next() == Some(group)) {
        1
    } else if wanted == "*/*" {
        0
    } else {
        return None;
    };
    let q = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    let thousandths: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    Some((fits, thousandths.min(1_000)))
}

/// Runs a query
///
/// SQL is read-only; it is ended after 60 s or 1,000,000 rows. `accept` chooses the format.
#[utoipa::path(
    post,
    operation_id = "run_query",
    path = "/api/v1/query",
    tag = "telemetry",
    request_body = QueryRequest,
    responses(
        (status = 200, description = "The rows", content(
            (QueryReply = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"),
        ), headers(("x-faremeter-rows" = u64, description = "How many rows there are"))),
        (status = 400, description = "Not a query that can be run", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Something other than reading the tables", body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "No format that is accepted", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 1 MiB", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A limit was passed: the detail names it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many queries at once: try again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn run(State(state): State<Arc<AppState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let format = Format::accepted(&parts.headers)?;
    let limit = state.config.max_query_bytes;
    let QueryRequest { sql, name, params } = body::take_json(&state, &parts.headers, body, limit).await?;
    let params = read_params(params)?;
    let result = match (sql, name) {
        (Some(sql), None) => state.query.sql(&sql, &params).await?,
        (None, Some(name)) => state.query.named(&name, &params).await?,
        _ => return Err(Problem::invalid("the body must have either 'sql' or 'name'")),
    };
    let rows = result.rows();
    let written = tokio::task::spawn_blocking(move || format.write(&result)).await;
    let bytes = written.map_err(|error| Problem::internal(&error))??;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(ROWS, HeaderValue::from(rows));
    Ok(response)
}

fn read_params(params: BTreeMap<String, Value>) -> Result<Params, Problem> {
    let read = |(name, value): (String, Value)| {
        let param = match value {
            Value::Null => Param::Null,
            Value::Bool(value) => Param::Bool(value),
            Value::String(text) => Param::Text(text),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Param::Int(whole),
                (None, Some(float)) if number.is_f64() => Param::Float(float),
                _ => return Err(Problem::invalid(format!("the parameter '{name}' is {number}: give it as text"))),
            },
            Value::Array(_) | Value::Object(_) => {
                return Err(Problem::invalid(format!(
                    "the parameter '{name}' must be text, a number, a boolean or null"
                )));
            }
        };
        Ok((name, param))
    };
    params.into_iter().map(read).collect()
}

/// A named query.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct NamedQuery {
    /// What `name` is in `POST /api/v1/query`.
    name: String,
    /// What it answers.
    doc: String,
    /// Its parameters.
    params: Vec<NamedQueryParam>,
    /// The columns that it returns.
    columns: Vec<NamedQueryColumn>,
    /// Its text.
    sql: String,
}

/// A parameter of a named query.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct NamedQueryParam {
    name: String,
    /// `text`, `int`, `float`, `bool`, `decimal` or `timestamp`.
    r#type: String,
    /// Whether it must be given.
    required: bool,
    /// Its value where none is given, as text.
    default: Option<String>,
    doc: String,
}

/// A column of a named query.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct NamedQueryColumn {
    name: String,
    /// Its type, unit and meaning.
    doc: String,
}

/// The named queries.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct NamedQueryPage {
    /// By name.
    items: Vec<NamedQuery>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Lists the named queries
#[utoipa::path(
    get,
    operation_id = "list_queries",
    path = "/api/v1/queries",
    tag = "telemetry",
    params(
        ("limit" = Option<u32>, Query, description = "Queries in a page, 1 to 1000 (100)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "What may be asked by name", body = NamedQueryPage),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(
    State(state): State<Arc<AppState>>,
    uri: Uri,
) -> Result<Json<NamedQueryPage>, Problem> {
    let mut query = QueryString::of(&uri);
    let limit = query.limit(100)?;
    let cursor = query.text("cursor")?;
    query.finish()?;
    let follows = |name: &str| cursor.as_deref().is_none_or(|cursor| name > cursor);
    let all = state.query.list();
    let queries = all.iter().filter(|query| follows(&query.name)).take(limit + 1).collect();
    let (queries, next_cursor) = page(queries, limit, |query: &&query::NamedQuery| query.name.to_string());
    let items = queries.into_iter().map(NamedQuery::from).collect();
    Ok(Json(NamedQueryPage { items, next_cursor }))
}

impl From<&query::NamedQuery> for NamedQuery {
    fn from(query: &query::NamedQuery) -> Self {
        let param = |param: &query::ParamDoc| NamedQueryParam {
            name: param.name.clone(),
            r#type: param.kind.as_str().to_owned(),
            required: param.default.is_none(),
            default: match &param.default {
                Some(Param::Text(text)) => Some(text.clone()),
                _ => None,
            },
            doc: param.doc.clone(),
        };
        let column =
            |column: &query::ColumnDoc| NamedQueryColumn { name: column.name.clone(), doc: column.doc.clone() };
        Self {
            name: query.name.to_string(),
            doc: query.doc.clone(),
            params: query.params.iter().map(param).collect(),
            columns: query.columns.iter().map(column).collect(),
            sql: query.sql.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &'static str) -> Option<Format> {
        Format::accepted(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))])).ok()
    }

    #[test]
    fn the_client_chooses_the_format() {
        assert_eq!(Format::accepted(&HeaderMap::new()).ok(), Some(Format::Json));
        assert_eq!(accepted("*/*"), Some(Format::Json));
        assert_eq!(accepted("text/*"), Some(Format::Csv));
        assert_eq!(accepted("text/csv; charset=utf-8"), Some(Format::Csv));
        assert_eq!(accepted("application/json;q=0.5, text/csv"), Some(Format::Csv));
        assert_eq!(accepted("text/html, application/json;q=0.9, */*;q=0.8"), Some(Format::Json));
        assert_eq!(accepted("application/json;q=0, */*;q=0.1"), Some(Format::Csv));
        assert_eq!(accepted("application/vnd.apache.arrow.stream"), Some(Format::Arrow));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("application/json;q=0"), None);
    }

    #[test]
    fn parameters_keep_their_types() {
        let params = |json: &str| read_params(serde_json::from_str(json).expect("JSON"));
        let read = params(r#"{"a":1,"b":1.5,"c":"x","d":null,"e":true}"#).expect("parameters");
        let expected = [Param::Int(1), Param::Float(1.5), Param::Text("x".to_owned()), Param::Null, Param::Bool(true)];
        assert!(read.into_values().eq(expected));
        for wrong in [r#"{"a":[]}"#, r#"{"a":{}}"#, r#"{"a":18446744073709551615}"#] {
            assert!(params(wrong).is_err(), "{wrong}");
        }
    }
}
