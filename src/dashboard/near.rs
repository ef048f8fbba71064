//! Finds the names that somebody may have meant. It does not know what they name.

/// Names that are suggested, at most.
const MOST: usize = 3;

/// What to say about a name that is not there: the names that are like it, or all where there are few, or how many.
pub(super) fn suggestion<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    const FEW: usize = 12;
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    let like = |name: &&&str| is_near(wanted, name);
    let near: Vec<String> = known.iter().filter(like).take(MOST).map(|name| format!("'{name}'")).collect();
    match (near.is_empty(), known.len()) {
        (false, _) => format!("is it {}?", near.join(" or ")),
        (true, 0) => "there are none".to_owned(),
        (true, 1..=FEW) => format!("there are {}", known.join(", ")),
        (true, many) => format!("there are {many}, and none is like it"),
    }
}

/// Whether few letters differ, or one name holds the other.
fn is_near(wanted: &str, known: &str) -> bool {
    const SHORTEST: usize = 4;
    let holds = |a: &str, b: &str| b.len() >= SHORTEST && a.contains(b);
    holds(known, wanted) || holds(wanted, known) || distance(wanted, known) <= 1 + wanted.len() / 6
}

/// How many letters have to be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        let cases = [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("bukcet", "bucket", 2)];
        for (a, b, expected) in cases {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_names_are_suggested() {
        let names = ["cost_by_function", "cost_by_tenant", "last_logs"];
        assert_eq!(suggestion("cost_by_funtion", names.into_iter()), "is it 'cost_by_function'?");
        assert_eq!(suggestion("logs", names.into_iter()), "is it 'last_logs'?");
        assert_eq!(suggestion("zzz", names.into_iter()), "there are cost_by_function, cost_by_tenant, last_logs");
        assert_eq!(suggestion("zzz", std::iter::empty()), "there are none");
    }
}
