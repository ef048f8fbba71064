//! Log records by many filters: pages of them, how many there are over time, what they have in common, what surrounds
//! one, and those that arrive. Pages and API show the same.

pub(super) mod counts;
pub(super) mod filter;
pub(super) mod list;
pub(super) mod tail;

/// The words for OTLP's ranges of severity, by their number: `(severity_number + 3) / 4`.
pub(super) const LEVELS: [&str; 7] = ["none", "trace", "debug", "info", "warn", "error", "fatal"];

/// The word for an OTLP severity number.
pub(super) fn level(severity_number: i64) -> &'static str {
    let range = usize::try_from((severity_number + 3) / 4).unwrap_or(0);
    LEVELS.get(range).copied().unwrap_or(LEVELS[0])
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn severities_have_their_words() {
        let words = [0, 1, 4, 5, 9, 12, 13, 17, 21, 24, 25, -1].map(level);
        let expected =
            ["none", "trace", "trace", "debug", "info", "info", "warn", "error", "fatal", "fatal", "none", "none"];
        assert_eq!(words, expected);
    }
}
