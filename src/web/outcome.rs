//! How URLs name outcomes: one, several with commas, or `failed` for all that an error rate counts.

use serde::Serialize;

use crate::model::Outcome;

use super::error::Problem;

/// Stands for all outcomes that an error rate counts.
pub(super) const FAILED: &str = "failed";

/// A value that a field offers.
#[derive(Serialize)]
pub(super) struct Choice {
    value: String,
    title: String,
    chosen: bool,
}

/// Refuses what names no outcome; empty text is all of them.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    for outcome in text.split(',').filter(|outcome| ![FAILED, ""].contains(outcome)) {
        let _known: Outcome = outcome.parse().map_err(|error| Problem::invalid(format!("outcome={text}: {error}")))?;
    }
    Ok(())
}

/// The outcomes by their own words, commas between them.
pub(super) fn plain(text: &str) -> String {
    let failed: Vec<&str> = Outcome::ALL.iter().copied().filter(|o| o.is_error()).map(Outcome::as_str).collect();
    text.replace(FAILED, &failed.join(","))
}

/// What a field of outcomes offers, with what is chosen.
pub(super) fn choices(chosen: &str) -> Vec<Choice> {
    let known = Outcome::ALL.iter().copied().map(Outcome::as_str).map(|word| (word, word.replace('_', " ")));
    let all = [("", "any".to_owned()), (FAILED, "any failure".to_owned())];
    offered(all.into_iter().chain(known), chosen)
}

/// These, and what is chosen too, where the URL has another value than the field knows.
pub(super) fn offered<'a>(known: impl Iterator<Item = (&'a str, String)>, chosen: &str) -> Vec<Choice> {
    let choice = |value: &str, title: String| Choice { value: value.to_owned(), title, chosen: value == chosen };
    let mut choices: Vec<Choice> = known.map(|(value, title)| choice(value, title)).collect();
    if !choices.iter().any(|choice| choice.chosen) {
        choices.push(choice(chosen, chosen.to_owned()));
    }
    choices
}
