//! How the progress of the history reads on the bar. Drawing it is `cli::bar`'s.

use crate::cli::bar::{self, Bar};
use crate::demo::history::Progress;

/// Shows how far the history is.
pub(super) fn show(bar: &Bar, progress: Progress) {
    bar.show(&line(progress));
}

fn line(progress: Progress) -> String {
    format!("{}  {} invocations", bar::filled("history", progress.per_cent()), progress.invocations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_and_is_never_full_before_the_end() {
        let at = |invocations| line(Progress { invocations, expected: 1_000, rows: 0 });
        assert!(at(0).contains(" 0 %") && !at(0).contains('█'));
        assert!(at(500).contains("50 %") && at(500).matches('█').count() == 15);
        assert!(at(1_007).contains("99 %") && at(1_007).contains('░'));
    }
}
