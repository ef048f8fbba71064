//! Texts that are right, and what is found behind a fault.

use std::convert::Infallible;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The pieces of a text that comes in chunks of `size`.
fn split(text: &[u8], size: usize) -> Vec<(u64, String)> {
    let mut pieces = Vec::new();
    let mut found = |line: u64, piece: Piece<'_>| {
        pieces.push((
            line,
            match piece {
                Piece::Object(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Piece::Envelope(bytes) => format!("envelope {}", String::from_utf8_lossy(bytes)),
                Piece::Broken(why, _) => format!("broken: {why}"),
            },
        ));
        Ok::<(), Infallible>(())
    };
    let mut splitter = Splitter::default();
    for chunk in text.chunks(size) {
        splitter.push(chunk, &mut found).unwrap();
    }
    splitter.end(&mut found).unwrap();
    pieces
}

fn texts(text: &str) -> Vec<String> {
    split(text.as_bytes(), 7).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn lists_envelopes_and_objects_in_a_row() {
    assert_eq!(texts(r#"[{"a":"}{\"]"},{"b":[{"c":{}}]}]"#), [r#"{"a":"}{\"]"}"#, r#"{"b":[{"c":{}}]}"#]);
    assert_eq!(texts("{\"a\":1}\n{\"b\":2}{\"c\":3}"), [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    let page = r#"{"events":[{"a":1}],"searchedLogStreams":[{"logStreamName":"x"}],"nextToken":"]}"}"#;
    assert_eq!(texts(page), [r#"envelope {"events":[]}"#, r#"{"a":1}"#]);
    let two = r#"{"logGroup":"g","logEvents":[{"a":1},{"b":2}]}{"logGroup":"h","logEvents":[]}"#;
    assert_eq!(
        texts(two),
        [
            r#"envelope {"logGroup":"g","logEvents":[]}"#,
            r#"{"a":1}"#,
            r#"{"b":2}"#,
            r#"envelope {"logGroup":"h","logEvents":[]}"#
        ]
    );
    assert_eq!(
        texts(r#"[{"events":"none"},{"x":{"events":[1]}}]"#),
        [r#"{"events":"none"}"#, r#"{"x":{"events":[1]}}"#]
    );
    assert!(texts("").is_empty() && texts(" [ ] ").is_empty());
}

#[test]
fn lines_are_counted() {
    let pieces = split(b"[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": 2\n  }\n]\n", 3);
    assert_eq!(pieces.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5]);
}

#[test]
fn what_follows_a_fault_is_found() {
    let found = |text: &str| texts(text).into_iter().filter(|text| text.contains("good")).count();
    for broken in [
        "{\"a\": \"never closed\n},",
        "{\"a\": 1, ",
        "{\"a\": [1}, ",
        "{\"a\": 1]}, ",
        "nonsense \"{\" ",
        "{\"a\": {\"b\": 1, ",
    ] {
        let text = format!("[{{\"good\":1}},\n{broken}\n{{\"good\":2}},{{\"good\":3}}]");
        assert!(found(&text) >= 2, "{broken}: {:?}", texts(&text));
        assert!(texts(&text).iter().any(|piece| piece.starts_with("broken") || piece.contains("never")), "{broken}");
    }
    assert_eq!(texts(r#"[{"a":1},{"b":"#), [r#"{"a":1}"#, "broken: the text ends within an event"]);
}

#[test]
fn objects_without_end_take_no_memory() {
    let mut splitter = Splitter::default();
    let mut broken = 0;
    let mut found = |_, piece: Piece<'_>| {
        broken += usize::from(matches!(piece, Piece::Broken(..)));
        Ok::<(), Infallible>(())
    };
    splitter.push(b"[{\"a\":\"", &mut found).unwrap();
    for _ in 0..20 {
        splitter.push(&[b'x'; 1 << 20], &mut found).unwrap();
    }
    assert!(splitter.item.capacity() <= 2 * MAX_BYTES, "{}", splitter.item.capacity());
    let deep = [b'['; 10_000];
    splitter.push(b"\"},{\"a\":", &mut found).unwrap();
    splitter.push(&deep, &mut found).unwrap();
    assert!(splitter.open.len() <= MAX_DEPTH);
    assert!(broken >= 2, "{broken}");
}

proptest! {
    /// Whatever the chunks are, a text that a library wrote is cut into what went in.
    #[test]
    fn chunks_make_no_difference(
        bodies in prop::collection::vec("[ -~\n\t\u{e9}]{0,40}", 0..8),
        pretty in any::<bool>(),
        size in 1usize..64,
    ) {
        let events: Vec<Value> = bodies.iter().map(|body| json!({"message": body, "more": [{"x": [body]}, {}]})).collect();
        let page = json!({"events": events, "searchedLogStreams": [{"a": 1}]});
        let text = if pretty { serde_json::to_string_pretty(&page) } else { serde_json::to_string(&page) }.unwrap();
        let found: Vec<Value> = split(text.as_bytes(), size)
            .iter()
            .filter(|(_, piece)| !piece.starts_with("envelope"))
            .map(|(_, piece)| serde_json::from_str(piece).unwrap())
            .collect();
        prop_assert_eq!(found, events);
    }

    /// Whatever the bytes are, the pieces do not depend on the chunks, and nothing panics.
    #[test]
    fn any_bytes_are_cut(text in "[\\[\\]{}\",:\\\\a \n]{0,200}", size in 1usize..9) {
        prop_assert_eq!(split(text.as_bytes(), size), split(text.as_bytes(), 1_000));
    }
}

/// One event that is damaged costs at most its neighbours, wherever the damage is.
#[test]
fn damage_stays_where_it_is() {
    let events: Vec<Value> = (0..9).map(|n| json!({"message": format!("line {n}"), "timestamp": n})).collect();
    let text = serde_json::to_vec_pretty(&events).unwrap();
    for (at, put) in (0..text.len()).flat_map(|at| b"{}[]\",:x\n".map(|put| (at, put))) {
        let mut text = text.clone();
        text[at] = put;
        let whole = split(&text, 5).iter().filter(|(_, piece)| serde_json::from_str::<Value>(piece).is_ok()).count();
        assert!(whole >= 7, "{whole} of 9 are left: {}", String::from_utf8_lossy(&text));
    }
}
