//! Answers of the query that counts, kept while several ways to run the same records are billed. The query knows nothing of other
//! memory sizes, architectures and regions, which `counting` puts in place of what was recorded: so one look at the records serves
//! all ways whose books round one invocation alike, and these are of the very same records.

use crate::query::{Engine, Params, QueryResult};

use super::Error;

/// The engine, and what it answered.
pub(super) struct Looks<'a> {
    pub(super) engine: &'a Engine,
    /// Rows that are kept, at most; what is beyond is asked for again.
    max_rows: usize,
    rows: usize,
    kept: Vec<(Params, QueryResult)>,
}

impl<'a> Looks<'a> {
    pub(super) fn new(engine: &'a Engine, max_rows: usize) -> Self {
        Self { engine, max_rows, rows: 0, kept: Vec::new() }
    }

    /// Records that are alike, as `metered_usage` tells them.
    pub(super) async fn metered_usage(&mut self, params: &Params) -> Result<QueryResult, Error> {
        if let Some((_, answer)) = self.kept.iter().find(|(asked, _)| asked == params) {
            return Ok(answer.clone());
        }
        let answer = self.engine.named("metered_usage", params).await?;
        if self.rows + answer.rows() <= self.max_rows {
            self.rows += answer.rows();
            self.kept.push((params.clone(), answer.clone()));
        }
        Ok(answer)
    }
}
