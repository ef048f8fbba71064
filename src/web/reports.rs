//! A month's reports as API and page ask for them: what is asked for, the limits on it, and the files. What reports say is
//! `billing`'s, how they are written `report`'s.

use std::sync::Arc;

use crate::billing::{Dimension, Kind, Month, Report};
use crate::report::{self, File, Format};

use super::error::{BUSY, NOT_FOUND, Problem, REPORT_LIMIT};
use super::params::QueryString;
use super::state::AppState;

/// Which report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) month: Month,
}

impl Asked {
    /// The report of this kind that the query string asks for.
    pub(super) fn read(state: &AppState, kind: &str, query: &mut QueryString) -> Result<Self, Problem> {
        let by = query.read::<Dimension>("by")?;
        let kind = match (kind, by) {
            ("statement", None) => Kind::Statement,
            ("statement", Some(_)) => {
                return Err(Problem::invalid("by is for a chargeback: a statement has all lines undivided"));
            }
            ("chargeback", by) => Kind::Chargeback(by.unwrap_or(Dimension::Function)),
            (other, _) => {
                let detail = format!("there is no report '{other}': there are statement and chargeback");
                return Err(Problem::new(NOT_FOUND, detail));
            }
        };
        let month = query.read::<Month>("month")?;
        let month = month.ok_or_else(|| Problem::invalid("the parameter 'month' is missing: write month=YYYY-MM"))?;
        if month > this_month(state) {
            return Err(Problem::invalid(format!("month={month} has not begun: there is nothing to report")));
        }
        Ok(Self { kind, month })
    }

    /// The report, if it is not too large to be held and sent.
    pub(super) async fn report(self, state: &AppState) -> Result<Arc<Report>, Problem> {
        let report = state.billing.report(self.kind, self.month).await?;
        let (rows, most) = (report.rows.len(), state.config.max_report_rows);
        if rows > most {
            let detail = format!(
                "the report has {rows} rows and at most {most} are sent: stop the server and write it with `faremeter report` on the data folder"
            );
            return Err(Problem::new(REPORT_LIMIT, detail).with("limit_rows", most));
        }
        Ok(Arc::new(report))
    }
}

/// The newest month that has begun.
pub(super) fn this_month(state: &AppState) -> Month {
    Month::newest(state.clock.now())
}

/// Writes the report in each of these formats.
pub(super) async fn written(state: &AppState, report: Arc<Report>, formats: &[Format]) -> Result<Vec<File>, Problem> {
    let Ok(_permit) = state.reports.try_acquire() else {
        let detail = format!("{} reports are being written, the most at once", state.config.max_reports);
        return Err(Problem::new(BUSY, detail).retry());
    };
    let (head, formats) = (state.billing.head().clone(), formats.to_vec());
    let write = move || formats.into_iter().map(|format| report::write(&report, &head, format)).collect();
    let written: Result<Vec<File>, report::Error> =
        tokio::task::spawn_blocking(write).await.map_err(|error| Problem::internal(&error))?;
    Ok(written?)
}
