//! Prints what came of an import: a row for each file, and below the table why anything was skipped.

use serde_json::{Value, json};

use crate::cli::output::{self, Format};
use crate::ingest::Summary;

const COLUMNS: [&str; 9] =
    ["file", "read", "invocations", "logs", "spans", "metrics", "duplicates", "unfinished", "skipped"];

/// Prints the summaries of files.
pub(super) fn print(done: &[(String, Summary)], format: Format) -> anyhow::Result<()> {
    match format {
        // Nothing is printed where the first file failed already.
        Format::Table if done.is_empty() => Ok(()),
        Format::Table => output::print(table(done).as_bytes()),
        Format::Json => output::line(&serde_json::to_string_pretty(&documents(done))?),
        Format::Csv => output::print(output::csv(&COLUMNS, &rows(done)).as_bytes()),
    }
}

fn rows(done: &[(String, Summary)]) -> Vec<Value> {
    let row = |(file, summary): &(String, Summary)| {
        let Summary { read, stored, duplicates, unfinished, skipped, .. } = summary;
        let skipped: u64 = skipped.iter().map(|skipped| skipped.count).sum();
        json!({
            "file": file, "read": read, "invocations": stored.invocations, "logs": stored.logs, "spans": stored.spans,
            "metrics": stored.metrics, "duplicates": duplicates.all(), "unfinished": unfinished, "skipped": skipped,
        })
    };
    done.iter().map(row).collect()
}

/// The summaries as the server answers them, each with its file's name.
fn documents(done: &[(String, Summary)]) -> Vec<Value> {
    let document = |(file, summary): &(String, Summary)| {
        let mut document = json!({ "file": file });
        if let (Some(all), Ok(Value::Object(more))) = (document.as_object_mut(), serde_json::to_value(summary)) {
            all.extend(more);
        }
        document
    };
    done.iter().map(document).collect()
}

fn table(done: &[(String, Summary)]) -> String {
    let mut text = output::table(&COLUMNS, &rows(done));
    for (file, summary) in done {
        for skipped in &summary.skipped {
            let (reason, count, line) = (&skipped.reason, skipped.count, skipped.line);
            let place = if skipped.text.is_empty() {
                format!("in request {line}")
            } else {
                format!("on line {line}: {}", skipped.text)
            };
            text += &format!("{file}: skipped {count}: {reason}; the first is {place}\n");
        }
        if summary.unfinished > 0 {
            text += &format!("{file}: {} invocations have no REPORT and so no row\n", summary.unfinished);
        }
        if summary.past_retention > 0 {
            let old = summary.past_retention;
            text += &format!(
                "{file}: {old} rows are older than what is kept, and go soon: raise [retention] in the configuration to keep them\n"
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::ingest::{Counts, Skipped};

    use super::*;

    #[test]
    fn a_summary_says_what_was_skipped_and_why() {
        let skipped = Skipped { reason: "r".to_owned(), count: 2, line: 7, text: "t".to_owned() };
        let counts = |invocations, logs| Counts { invocations, logs, ..Counts::default() };
        let (stored, duplicates) = (counts(3, 4), counts(1, 1));
        let summary =
            Summary { read: 12, stored, duplicates, unfinished: 1, past_retention: 0, skipped: vec![skipped] };
        let done = [("f".to_owned(), summary)];
        let text = table(&done);
        assert!(text.contains("f: skipped 2: r; the first is on line 7: t\n"), "{text}");
        assert!(text.contains("f: 1 invocations have no REPORT") && !text.contains("older"), "{text}");
        assert_eq!(rows(&done)[0]["duplicates"], 2);
        assert_eq!(documents(&done)[0]["stored"]["logs"], 4);
    }
}
