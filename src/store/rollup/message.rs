//! Owns what makes two error messages the same: their shape, which has placeholders for what differs from call to call,
//! and the fingerprint of it.

use sha2::{Digest, Sha256};

/// Characters of a shape, at most (300).
pub const SHAPE_CHARS: usize = 300;
/// Bytes of a message that are looked at; the rest makes no difference.
const LOOKED_AT: usize = 4_096;
/// Hexadecimal digits in a row that are taken for an id.
const HEX_DIGITS: usize = 8;
/// Bytes of the digest that a fingerprint shows.
const FINGERPRINT_BYTES: usize = 8;

/// The message with `<n>`, `<hex>`, `<uuid>` and `<text>` in the place of numbers, ids and what stands in quotes, and with
/// blanks joined; at most [`SHAPE_CHARS`] characters.
#[must_use]
pub fn error_shape(message: &str) -> String {
    let mut rest = message;
    if rest.len() > LOOKED_AT {
        rest = &rest[..rest.floor_char_boundary(LOOKED_AT)];
    }
    let (mut shape, mut before) = (String::with_capacity(rest.len().min(SHAPE_CHARS)), None);
    while let Some(next) = rest.chars().next() {
        let (length, put) = piece(rest, next, before);
        let taken = &rest[..length];
        match put {
            Some(placeholder) => shape.push_str(placeholder),
            None => shape.push_str(taken),
        }
        before = taken.chars().next_back();
        rest = &rest[length..];
    }
    let shape = shape.trim_end();
    shape.char_indices().nth(SHAPE_CHARS).map_or(shape, |(at, _)| &shape[..at]).to_owned()
}

/// A short digest of the outcome, the error's type and its message's shape: what one group of errors has in common.
#[must_use]
pub fn error_fingerprint(outcome: &str, error_type: Option<&str>, shape: Option<&str>) -> String {
    let mut digest = Sha256::new();
    for part in [Some(outcome), error_type, shape] {
        // A text that is not there differs from an empty one.
        digest.update([u8::from(part.is_some())]);
        digest.update(part.unwrap_or_default());
        digest.update([0xFF]);
    }
    digest.finalize()[..FINGERPRINT_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many bytes come next, and what stands in their place.
fn piece(rest: &str, next: char, before: Option<char>) -> (usize, Option<&'static str>) {
    let within_word = before.is_some_and(char::is_alphanumeric);
    if next.is_whitespace() {
        let length = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        return (length, Some(if before.is_none() { "" } else { " " }));
    }
    if matches!(next, '\'' | '"' | '`')
        && !within_word
        && let Some(length) = quoted(rest, next)
    {
        return (length, Some("<text>"));
    }
    if next.is_ascii_hexdigit() && !within_word {
        if is_uuid(rest.as_bytes()) {
            return (36, Some("<uuid>"));
        }
        let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let digits = rest[..word].strip_prefix("0x").unwrap_or(&rest[..word]);
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_id = digits.len() >= HEX_DIGITS && digits.bytes().any(|byte| byte.is_ascii_digit());
        if is_hex && (digits.len() < word || is_id && !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            return (word, Some("<hex>"));
        }
    }
    if next.is_ascii_digit() {
        return (number(rest), Some("<n>"));
    }
    (next.len_utf8(), None)
}

/// The length of what stands in quotes; none where they are not closed, or close within a word.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + rest[from..].find(quote)?;
        let after = rest[end + 1..].chars().next();
        if !after.is_some_and(char::is_alphanumeric) {
            return Some(end + 1);
        }
        from = end + 1;
    }
}

/// The length of a number, its decimals included.
fn number(rest: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    match rest[whole..].strip_prefix('.').map(digits) {
        Some(decimals) if decimals > 0 => whole + 1 + decimals,
        _ => whole,
    }
}

fn is_uuid(text: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() >= 36
        && text[..36].iter().enumerate().all(fits)
        && !text.get(36).is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_from_call_to_call_is_left_out() {
        for (message, shape) in [
            ("timed out after 3.5 s", "timed out after <n> s"),
            ("order 4711: not found", "order <n>: not found"),
            ("user 'bob' can't be found in \"eu-1\"", "user <text> can't be found in <text>"),
            ("trap at 0x1a2B: unreachable", "trap at <hex>: unreachable"),
            ("object 9f86d081884c is gone", "object <hex> is gone"),
            ("decade defaced, 12345678", "decade defaced, <n>"),
            ("id 0af76519-16cd-43dd-8448-eb211c80319c!", "id <uuid>!"),
            ("  two\n\n lines\t", "two lines"),
            ("it's 'open", "it's 'open"),
            ("größer als 7€", "größer als <n>€"),
            ("1.2.3", "<n>.<n>"),
            ("", ""),
        ] {
            assert_eq!(error_shape(message), shape);
        }
    }

    #[test]
    fn a_shape_is_short_however_long_the_message() {
        assert_eq!(error_shape(&"ä".repeat(100_000)).chars().count(), SHAPE_CHARS);
    }

    #[test]
    fn fingerprints_tell_groups_apart() {
        let all = [
            error_fingerprint("error", None, None),
            error_fingerprint("error", Some(""), None),
            error_fingerprint("error", None, Some("")),
            error_fingerprint("timeout", None, None),
            error_fingerprint("error", Some("a"), Some("b")),
            error_fingerprint("error", Some("ab"), Some("")),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|text| text.len() == 16));
        assert_eq!(all[0], error_fingerprint("error", None, None));
    }

    proptest! {
        #[test]
        fn any_text_has_a_shape_without_digits(text in ".{0,500}") {
            let shape = error_shape(&text);
            prop_assert!(shape.chars().count() <= SHAPE_CHARS);
            prop_assert!(!shape.bytes().any(|byte| byte.is_ascii_digit()), "{shape}");
        }
    }
}
