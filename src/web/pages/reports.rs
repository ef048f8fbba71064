//! The page at `/reports`: a month's statement or chargeback as it stands in its files, the files with their digests, and the
//! months that there are. It works without scripts. What is shown of a report is `view`'s.

mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::billing::{Dimension, Kind, Month, Report};
use crate::query::Params;
use crate::report::{File, Format};
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::reports::{Asked, this_month, written};
use crate::web::state::AppState;

use super::format;
use super::range;
use super::row::{self, Row, text};

use view::Shown;

const PATH: &str = "/reports";
/// Rows of a report whose files are all written to show their digests; of a larger one each is written when it is asked for.
const DIGEST_ROWS: usize = 2_000;

#[derive(Serialize)]
struct Page {
    kind: &'static str,
    month: String,
    by: String,
    /// What can be chosen from, newest first.
    months: Vec<String>,
    report: Option<Shown>,
    files: Vec<Download>,
    /// Why there is nothing to show: `first` where no month has a bill, `month` where this one has none, else empty.
    empty: &'static str,
    /// Records of the month, none of which has a price.
    unpriced: Option<String>,
    /// The newest month that has a bill, where this one has none.
    newest: Option<Listed>,
    listed: Vec<Listed>,
    rated_through: Option<String>,
    error: Option<String>,
    list_error: Option<String>,
}

/// A file that can be fetched.
#[derive(Serialize)]
struct Download {
    format: &'static str,
    about: &'static str,
    href: String,
    manifest: String,
    name: Option<String>,
    size: Option<String>,
    sha256: Option<String>,
}

/// A month in the list.
#[derive(Serialize, Clone)]
struct Listed {
    month: String,
    statement: String,
    chargeback: String,
    totals: Vec<String>,
    open: bool,
}

/// Months and what they cost
#[utoipa::path(
    get,
    path = "/reports",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 400, description = "A parameter is not understood", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn reports(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let by = query.text("by")?.filter(|by| !by.is_empty());
    let by =
        by.map(|by| by.parse::<Dimension>()).transpose().map_err(|error| Problem::invalid(format!("by: {error}")))?;
    let by = by.unwrap_or(Dimension::Function);
    let kind = match query.text("kind")?.as_deref() {
        None | Some("statement") => Kind::Statement,
        Some("chargeback") => Kind::Chargeback(by.clone()),
        Some(other) => return Err(Problem::invalid(format!("kind={other}: it must be statement or chargeback"))),
    };
    let month = query.read::<Month>("month")?;
    query.finish()?;
    let (rows, list_error) = row::rows(state.query.named("billed_month_totals", &Params::new()).await);
    let listed = list(&rows, &by, state.clock.now());
    let newest = this_month(&state);
    let first = listed.first().and_then(|listed| listed.month.parse().ok());
    let month = month.or(first).unwrap_or(newest);
    if month > newest {
        return Err(Problem::invalid(format!("month={month} has not begun: there is nothing to report")));
    }
    let (report, files, error) = match read(&state, Asked { kind: kind.clone(), month }).await {
        Ok((report, files)) => (Some(report), files, None),
        Err(problem) => (None, Vec::new(), Some(problem.detail().to_owned())),
    };
    let has_rows = report.as_ref().is_some_and(|report| !report.rows.is_empty());
    let records = report.as_ref().map(|report| report.sources.records).filter(|records| *records > 0 && !has_rows);
    let page = Page {
        kind: kind.as_str(),
        month: month.to_string(),
        by: by.to_string(),
        months: months(&listed, month, newest),
        files: downloads(&kind, month, &files),
        empty: match (&report, listed.first()) {
            (None, _) => "",
            (Some(_), _) if has_rows => "",
            (Some(_), None) => "first",
            (Some(_), Some(_)) => "month",
        },
        unpriced: records.map(|records| format::count(i64::try_from(records).unwrap_or(i64::MAX))),
        newest: listed.first().cloned(),
        report: report.filter(|_| has_rows).map(|report| view::shown(&report, &files)),
        listed,
        rated_through: state.billing.charges().rated_through.map(minute),
        error,
        list_error,
    };
    state.pages.render(&state, "reports.html", PATH, &page)
}

/// The report, and its files where they are small.
async fn read(state: &AppState, asked: Asked) -> Result<(Arc<Report>, Vec<File>), Problem> {
    let report = asked.report(state).await?;
    let files = match report.rows.len() {
        1..=DIGEST_ROWS => written(state, Arc::clone(&report), &Format::ALL).await?,
        _ => Vec::new(),
    };
    Ok((report, files))
}

/// The months to choose from: those that have a bill, this one, and the one that is shown.
fn months(listed: &[Listed], shown: Month, newest: Month) -> Vec<String> {
    let mut months: Vec<String> = listed.iter().map(|listed| listed.month.clone()).collect();
    months.extend([shown.to_string(), newest.to_string()]);
    months.sort_unstable_by(|a, b| b.cmp(a));
    months.dedup();
    months
}

fn list(rows: &[Row], by: &Dimension, now: Timestamp) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for row in rows {
        let (month, currency) = (text(row, "month"), text(row, "currency"));
        let total = format!("{currency} {}", total(text(row, "billed")));
        match listed.last_mut() {
            Some(last) if last.month == month => last.totals.push(total),
            _ => {
                let pair = |name: &'static str, value: String| (name, value);
                let link = |pairs: &[range::Pair]| range::href(PATH, pairs);
                listed.push(Listed {
                    month: month.to_owned(),
                    statement: link(&[pair("kind", "statement".into()), pair("month", month.into())]),
                    chargeback: link(&[
                        pair("kind", "chargeback".into()),
                        pair("month", month.into()),
                        pair("by", by.to_string()),
                    ]),
                    totals: vec![total],
                    open: Timestamp::parse_rfc3339(text(row, "period_end")).is_some_and(|end| end > now),
                });
            }
        }
    }
    listed
}

/// An amount without the zeros that a column fills it up with, cents at least.
fn total(decimal: &str) -> String {
    let (whole, decimals) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}.{:0<2}", decimals.trim_end_matches('0'))
}

fn downloads(kind: &Kind, month: Month, files: &[File]) -> Vec<Download> {
    let download = |format: Format| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("month", &month.to_string()).append_pair("format", format.as_str());
        if let Kind::Chargeback(dimension) = kind {
            query.append_pair("by", &dimension.to_string());
        }
        let (path, query) = (format!("/api/v1/reports/{}", kind.as_str()), query.finish());
        let file = files.iter().find(|file| file.format == format).map(|file| &file.manifest);
        Download {
            format: format.as_str(),
            about: about(format),
            href: format!("{path}?{query}"),
            manifest: format!("{path}/manifest?{query}"),
            name: file.map(|file| file.file.clone()),
            size: file.map(|file| format::bytes(i64::try_from(file.bytes).unwrap_or(i64::MAX))),
            sha256: file.map(|file| file.sha256.clone()),
        }
    };
    Format::ALL.map(download).into()
}

fn about(format: Format) -> &'static str {
    match format {
        Format::Pdf => "to send and to print",
        Format::Xlsx => "a workbook with its totals as formulas",
        Format::Csv => "rows with all digits",
        Format::Json => "rows, bills, bridge and sources",
        Format::Parquet => "exact decimals",
    }
}

/// A time to the minute.
fn minute(at: Timestamp) -> String {
    at.to_string().get(..16).map(|text| text.replace('T', " ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_cents_at_least() {
        for (decimal, shown) in [("12.30000000000000000000000", "12.30"), ("0", "0.00"), ("-1.00500", "-1.005")] {
            assert_eq!(total(decimal), shown);
        }
    }

    #[test]
    fn a_chargeback_s_files_say_by_what() {
        let month: Month = "2026-03".parse().unwrap();
        let files = downloads(&Kind::Chargeback(Dimension::Tag("a&b".into())), month, &[]);
        assert_eq!(files[0].href, "/api/v1/reports/chargeback?month=2026-03&format=pdf&by=tag%3Aa%26b");
        assert_eq!(files[1].manifest, "/api/v1/reports/chargeback/manifest?month=2026-03&format=xlsx&by=tag%3Aa%26b");
    }
}
