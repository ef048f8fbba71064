//! What the filters of a page may be set to: the tenants, functions, versions, regions and tags that have calls in a range.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use utoipa::ToSchema;

use crate::query::{Error, format};
use crate::web::api::ProblemBody;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::bound;
use super::window::Window;

/// The named query that finds them.
const QUERY: &str = "filter_values";
/// Values of each filter, at most.
const MOST: usize = 1_000;

/// What filters may be set to, in order; at most 1,000 of each.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::web) struct FilterValues {
    tenants: Vec<String>,
    functions: Vec<FilterFunction>,
    regions: Vec<String>,
    /// `KEY:VALUE`
    tags: Vec<String>,
}

/// A function that has calls.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::web) struct FilterFunction {
    name: String,
    tenant: String,
    /// Those that have calls.
    versions: Vec<String>,
}

/// What filters may be set to
#[utoipa::path(
    get,
    operation_id = "list_filter_values",
    path = "/api/v1/filters",
    tag = "dashboards",
    params(
        ("from" = Option<String>, Query, description = "now, now-6h, RFC 3339 or milliseconds since 1970 (now-24h)"),
        ("to" = Option<String>, Query, description = "The same (now)"),
    ),
    responses(
        (status = 200, description = "What has calls in the range", body = FilterValues),
        (status = 400, description = "A time is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many queries at once: try again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<FilterValues>, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    query.finish()?;
    let queries = state.query.list();
    let named = queries.iter().find(|query| *query.name == *QUERY);
    let named = named.ok_or_else(|| Error::Internal(format!("there is no query '{QUERY}'")))?;
    let result = state.flights.ask(&state.query, named, bound(named, &window)).await?;
    let rows = format::rows(&result)?;
    let found = rows.iter().filter_map(|row| {
        let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        row.get("value")?.as_str().map(|value| [text("kind"), text("tenant"), text("function"), value])
    });
    Ok(Json(gather(found)))
}

/// Puts rows of kind, tenant, function and value together.
fn gather<'a>(found: impl Iterator<Item = [&'a str; 4]>) -> FilterValues {
    let mut values = FilterValues::default();
    let mut functions: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for [kind, tenant, function, value] in found {
        let list = match kind {
            "tenant" => &mut values.tenants,
            "region" => &mut values.regions,
            "tag" => &mut values.tags,
            _ => functions.entry((function, tenant)).or_default(),
        };
        list.push(value.to_owned());
    }
    let named = functions.into_iter().map(|((name, tenant), mut versions)| {
        versions.sort_by_key(|version| (version.parse::<u64>().unwrap_or(u64::MAX), version.clone()));
        FilterFunction { name: name.to_owned(), tenant: tenant.to_owned(), versions }
    });
    values.functions = named.take(MOST).collect();
    for list in [&mut values.tenants, &mut values.regions, &mut values.tags] {
        list.sort_unstable();
        list.truncate(MOST);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_order_and_versions_are_numbers() {
        let rows = [
            ["version", "t", "f", "10"],
            ["tag", "", "", "team:shop"],
            ["version", "t", "f", "9"],
            ["version", "a", "f", "1"],
            ["tenant", "", "", "t"],
            ["tenant", "", "", "a"],
            ["region", "", "", "us-east-1"],
        ];
        let function = |tenant: &str, versions: &[&str]| FilterFunction {
            name: "f".to_owned(),
            tenant: tenant.to_owned(),
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
        };
        let expected = FilterValues {
            tenants: vec!["a".to_owned(), "t".to_owned()],
            functions: vec![function("a", &["1"]), function("t", &["9", "10"])],
            regions: vec!["us-east-1".to_owned()],
            tags: vec!["team:shop".to_owned()],
        };
        assert_eq!(gather(rows.into_iter()), expected);
    }
}
