//! Bills with known results, bills' properties, and books and workloads that are refused.

mod faults;
mod properties;

use serde::Deserialize;

use crate::units::Timestamp;

use super::usage::Counter;
use super::*;

const GOLDEN: &str = include_str!("tests/golden.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    example: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    id: String,
    book: String,
    workload: String,
    lines: Vec<(String, String)>,
    exact_total: String,
    total: String,
    #[serde(default)]
    used_elsewhere: Vec<String>,
}

impl Example {
    fn all() -> Vec<Self> {
        toml::from_str::<Golden>(GOLDEN).expect("the file is right").example
    }

    fn bill(&self) -> Bill {
        let mut books = Books::embedded().expect("the books are right");
        if !self.used_elsewhere.is_empty() {
            let file = format!("{}/src/cost/books/{}.toml", env!("CARGO_MANIFEST_DIR"), self.book);
            let text = std::fs::read_to_string(file).expect("the book is there");
            let own = self.used_elsewhere.iter().fold(text, |text, credit| {
                let line = format!("credit = \"{credit}\"");
                assert!(text.contains(&line), "{line}");
                text.replace(&line, &format!("{line}\nused_elsewhere = \"{credit}\""))
            });
            books.add(&own).expect("the book is right");
        }
        bill(&books, &self.book, &self.workload)
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-01T00:00:00Z").expect("a time")
}

pub(super) fn bill(books: &Books, book: &str, workload: &str) -> Bill {
    let workload = Workload::parse(workload).expect("the workload is right");
    books.get(book).and_then(|book| book.bill(&workload, None, now())).expect("it can be priced")
}

/// An exact number of the golden file, a fraction or a decimal, below zero too.
fn number(text: &str) -> Ratio {
    match text.strip_prefix('-') {
        Some(text) => Ratio::parse(text).expect("a number").negative(),
        None => Ratio::parse(text).expect("a number"),
    }
}

#[test]
fn every_example_comes_out_to_the_last_digit() {
    for example in Example::all() {
        let bill = example.bill();
        let billed = bill.lines.iter().filter(|line| !line.exact.is_zero());
        let lines: Vec<(&str, Ratio)> = billed.map(|line| (line.meter.as_str(), line.exact)).collect();
        let expected: Vec<(&str, Ratio)> = example.lines.iter().map(|(m, exact)| (m.as_str(), number(exact))).collect();
        assert_eq!(lines, expected, "{}", example.id);
        assert_eq!(bill.exact_total, number(&example.exact_total), "{}", example.id);
        assert_eq!(bill.total.to_string(), example.total, "{}", example.id);
        assert_eq!(bill.warnings, Vec::<String>::new(), "{}", example.id);
    }
}

/// The sources' own figures, where they lie beside the repository: every example of theirs has a workload here.
#[test]
fn examples_agree_with_their_sources() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pricing/golden.toml");
    let Ok(text) = std::fs::read_to_string(file) else {
        eprintln!("skipped: {file} is not there");
        return;
    };
    let source: toml::Table = toml::from_str(&text).expect("it is TOML");
    let examples = Example::all();
    let mut compared = 0;
    for theirs in source["example"].as_array().expect("a list") {
        let id = theirs["id"].as_str().expect("an id");
        let ours = examples.iter().find(|example| example.id == id).unwrap_or_else(|| panic!("no workload for {id}"));
        let bill = ours.bill();
        let exact = theirs["exact_total"].as_str().expect("a number");
        let written = bill.exact_total.to_string();
        // Decimals that do not end are printed to as many digits as the source's tool had.
        let digits = exact.len().min(40);
        assert_eq!(written.get(..digits).unwrap_or(&written), &exact[..digits], "{id}");
        let lines_round = theirs["matches"].as_array().expect("a list").len() == 2;
        let rounds_so = bill.lines.iter().all(|line| line.by != Rounding::Truncate)
            && (lines_round || bill.lines.iter().any(|line| line.by == Rounding::Total));
        if rounds_so {
            let published = number(theirs["published_total"].as_str().expect("a number"));
            assert_eq!(number(&bill.total.to_string()), published, "{id}");
            compared += 1;
        }
    }
    assert!(compared > 15, "{compared} totals were compared");
}

/// A part and an edition to count it by.
fn counted<T>(book: &str, workload: &str, count: impl Fn(&Counter<'_>) -> T) -> T {
    let books = Books::embedded().expect("the books are right");
    let book = books.get(book).expect("it is there");
    let workload = Workload::parse(workload).expect("it is right");
    let part = &workload.parts[0];
    count(&Counter::new(&book.id, book.edition(now()), part).expect("it fits"))
}

#[test]
fn one_invocation_is_rounded_as_its_book_says() {
    let billed_ms = |book: &str, init: &str, duration: &str| {
        let workload = format!("{{\"requests\": 1, \"init_ms\": {init}, \"duration_ms\": {duration}}}");
        let duration = Ratio::parse(duration);
        counted(book, &workload, |counter| counter.billed_ms(duration).expect("small").to_string())
    };
    assert_eq!(billed_ms("aws-lambda", "1293.83", "1049.63"), "2344", "the sum is rounded, not its parts");
    assert_eq!(billed_ms("aws-lambda", "0", "0"), "1");
    assert_eq!(billed_ms("gcp-functions-gen1", "0", "260"), "300");
    assert_eq!(billed_ms("gcp-functions-gen1", "100", "260"), "300", "init is not billed");
    assert_eq!(billed_ms("azure-functions-consumption", "0", "12.5"), "100");
    assert_eq!(billed_ms("azure-functions-flex", "0", "1000.1"), "1100");
    let memory = |book: &str, mb: &str| {
        let workload = format!("{{\"requests\": 1, \"memory_mb\": {mb}}}");
        counted(book, &workload, |counter| counter.memory().expect("small").to_string())
    };
    assert_eq!(memory("azure-functions-consumption", "160"), "256");
    assert_eq!(memory("azure-functions-consumption", "1"), "128");
    assert_eq!(memory("azure-functions-flex", "513"), "2048");
    assert_eq!(memory("azure-functions-premium", "128"), "3584");
    let requests = [("256", "1"), ("257", "2"), ("320", "2"), ("321", "3"), ("1024", "13")];
    for (event_kb, expected) in requests {
        let workload = format!("{{\"requests\": 1, \"event_kb\": {event_kb}}}");
        let units = counted("aws-lambda", &workload, |counter| counter.count(Source::Requests).expect("fits"));
        assert_eq!(units.to_string(), expected, "{event_kb} KB");
    }
}

/// The sources' roundings are those above.
#[test]
fn roundings_agree_with_their_sources() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pricing/golden.toml");
    let Ok(text) = std::fs::read_to_string(file) else {
        eprintln!("skipped: {file} is not there");
        return;
    };
    let source: toml::Table = toml::from_str(&text).expect("it is TOML");
    let roundings = source["rounding"].as_array().expect("a list");
    assert_eq!(roundings.len(), 4, "each has a case here");
    for rounding in roundings {
        let id = rounding["id"].as_str().expect("an id");
        let text = |name: &str| rounding.get(name).map_or("0".to_owned(), |value| value.to_string().replace('"', ""));
        let book = match id.split('-').next() {
            Some("lambda") => "aws-lambda",
            Some("gcf1") => "gcp-functions-gen1",
            _ => "azure-functions-consumption",
        };
        if rounding.get("billed_ms").is_some() {
            let workload = format!("{{\"requests\": 1, \"init_ms\": {}}}", text("init_ms"));
            let duration = Ratio::parse(&text("duration_ms"));
            let billed = counted(book, &workload, |counter| counter.billed_ms(duration).expect("small").to_string());
            assert_eq!(billed, text("billed_ms"), "{id}");
        } else if rounding.get("billed_mb").is_some() {
            let workload = format!("{{\"requests\": 1, \"memory_mb\": {}}}", text("mem_mb"));
            let billed = counted(book, &workload, |counter| counter.memory().expect("small").to_string());
            assert_eq!(billed, text("billed_mb"), "{id}");
        } else {
            let list = |name: &str| {
                rounding[name].as_array().expect("a list").iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            for (event_kb, requests) in list("event_kb").iter().zip(list("requests")) {
                let workload = format!("{{\"requests\": 1, \"event_kb\": {event_kb}}}");
                let units = counted(book, &workload, |counter| counter.count(Source::Requests).expect("fits"));
                assert_eq!(units.to_string(), requests, "{id}: {event_kb} KB");
            }
        }
    }
}

#[test]
fn a_bill_is_written_with_the_contract_s_names() {
    let books = Books::embedded().expect("the books are right");
    let bill = bill(&books, "aws-lambda", r#"{"requests": 3000000, "duration_ms": 120, "memory_mb": 1536}"#);
    let json = serde_json::to_value(&bill).expect("it can be written");
    assert_eq!((&json["book"], &json["currency"]), (&"aws-lambda".into(), &"USD".into()));
    assert_eq!((&json["exact_total"], &json["total"]), (&"2.733338".into(), &"2.73".into()));
    assert_eq!(
        (&json["period"], &json["zone"], &json["rounding"]),
        (&"calendar_month".into(), &"UTC".into(), &"0.00".into())
    );
    let line = serde_json::json!({"meter": "duration_x86", "quantity": "140000", "free_quantity": "400000",
        "unit": "GiB-second", "tier": 1, "unit_price": "0.0000166667", "exact": "2.333338", "rounded": "2.33"});
    assert_eq!(json["lines"][0], line);
    assert_eq!(bill.sha256.len(), 64);
}
