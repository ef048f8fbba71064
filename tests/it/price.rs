//! `faremeter price` as a user runs it: bills, comparisons, users' own books, and what is refused.

use std::path::Path;

use serde_json::Value;

use crate::support::cli::cli;
use crate::support::server::temporary_file;
use crate::support::{path_text, repository};

const BACKEND: &str = r#"{"requests": 3000000, "duration_ms": 120, "memory_mb": 1536}"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn a_workload_is_billed_in_each_format() {
    let (_folder, file) = temporary_file("w.json", BACKEND.as_bytes());
    let price = |format: &str| cli(&["price", "--book", "aws-lambda", "--workload", &file, "--output", format]).ok();
    let bill = json(&price("json"));
    assert_eq!((&bill["book"], &bill["currency"]), (&"aws-lambda".into(), &"USD".into()));
    assert_eq!((&bill["exact_total"], &bill["total"]), (&"2.733338".into(), &"2.73".into()));
    let duration = &bill["lines"][0];
    assert_eq!((&duration["meter"], &duration["exact"]), (&"duration_x86".into(), &"2.333338".into()));
    let csv = price("csv");
    assert!(csv.starts_with("meter,tier,quantity,unit,free_quantity,unit_price,exact,rounded\r\n"), "{csv}");
    assert!(csv.contains("requests,1,2000000,request,1000000,0.0000002,0.4,0.40\r\n"), "{csv}");
    assert!(csv.ends_with("\"total, USD\",,,,,,2.733338,2.73\r\n"), "{csv}");
    let table = price("table");
    assert!(table.contains("duration_x86") && table.contains("2.73"), "{table}");
    let vercel =
        |format: &str| cli(&["price", "--book", "vercel-functions-pro", "--workload", &file, "--output", format]).ok();
    assert_eq!(json(&vercel("json"))["lines"][2]["quantity"], "100");
    let (_other, odd) = temporary_file("odd.json", br#"{"requests": 1000000, "duration_ms": 100}"#);
    let odd =
        |format: &str| cli(&["price", "--book", "vercel-functions-pro", "--workload", &odd, "--output", format]).ok();
    assert_eq!(json(&odd("json"))["lines"][2]["quantity_ratio"], "250/9");
    let table = odd("table");
    assert!(table.contains(" 27.7777777777777… ") && table.contains(" 3.55555555555555… "), "{table}");
}

#[test]
fn regions_and_unmetered_fields_are_told_apart() {
    let (_folder, file) = temporary_file("w.json", br#"{"requests": 1000000, "cpu_ms": 7, "free_tier": false}"#);
    let ran =
        cli(&["price", "--book", "aws-lambda", "--workload", &file, "--region", "af-south-1", "--output", "json"]);
    assert_eq!(ran.stderr, "warning: aws-lambda does not meter cpu_ms: ignored\n");
    assert_eq!(json(&ran.ok())["total"], "0.27");
}

#[test]
fn every_book_is_compared_or_says_why_not() {
    let (_folder, file) = temporary_file("w.json", BACKEND.as_bytes());
    let compared = json(&cli(&["price", "--compare", "--workload", &file, "--output", "json"]).ok());
    let bills = compared["bills"].as_array().expect("a list");
    let refused = compared["refused"].as_array().expect("a list");
    let books = std::fs::read_dir(repository().join("src/cost/books")).expect("the books").count();
    assert_eq!(bills.len() + refused.len(), books);
    let cents = |bill: &Value| bill["total"].as_str().expect("text").replace('.', "").parse::<u64>().expect("cents");
    assert!(bills.windows(2).all(|two| cents(&two[0]) <= cents(&two[1])), "the cheapest comes first");
    assert!(bills.iter().any(|bill| bill["book"] == "aws-lambda" && bill["total"] == "2.73"));
    let fargate = refused.iter().find(|book| book["book"] == "fargate").expect("it bills no requests");
    assert!(fargate["reason"].as_str().expect("text").contains("provisioned.concurrency"), "{fargate}");
    let table = cli(&["price", "--compare", "--workload", &file]).ok();
    assert!(table.contains("cloudflare-workers-standard") && table.contains("ec2"), "{table}");
}

#[test]
fn users_books_stand_beside_the_programs_or_in_their_place() {
    let text = std::fs::read_to_string(repository().join("src/cost/books/aws-lambda-edge.toml")).expect("the book");
    let negotiated = text.replace("\"0.0000006\"", "\"0.0000003\"");
    assert_ne!(negotiated, text);
    let (folder, _) = temporary_file("edge.toml", negotiated.as_bytes());
    let (_other, file) = temporary_file("w.json", br#"{"requests": 10000000, "duration_ms": 10}"#);
    let folder_text = path_text(folder.path().to_owned());
    let price = |folder: &str| {
        cli(&["price", "--book", "aws-lambda-edge", "--workload", &file, "--books", folder, "--output", "json"])
    };
    assert_eq!(json(&price(&folder_text).ok())["total"], "3.63");
    std::fs::write(
        folder.path().join("edge.toml"),
        negotiated.replace("[edition.invocation]", "[edition.invocations]"),
    )
    .expect("written");
    let error = price(&folder_text);
    let error = error.failed(1);
    assert!(error.contains("edge.toml") && error.contains("line ") && error.contains("invocations"), "{error}");
    assert!(price("/nowhere/at/all").failed(1).contains("'/nowhere/at/all' cannot be read"));
}

#[test]
fn what_is_wrong_is_named_and_fails() {
    let (_folder, good) = temporary_file("w.json", BACKEND.as_bytes());
    let missing = path_text(Path::new(&good).with_file_name("missing.json"));
    let price = |workload: &str, book: &str| cli(&["price", "--book", book, "--workload", workload]);
    assert!(price(&good, "aws").failed(1).contains("'aws' is not a price book"));
    assert!(price(&missing, "aws-lambda").failed(1).contains("missing.json' cannot be read"));
    for (text, error) in [
        (r#"{"requests": "many"}"#, "requests is \"many\", a whole number of 0 or more was expected"),
        (r#"{"duration_ms": 1}"#, "requests is missing"),
        ("{", "it is not JSON"),
    ] {
        let (_folder, file) = temporary_file("w.json", text.as_bytes());
        assert!(price(&file, "aws-lambda").failed(1).contains(error), "{error}");
    }
    assert!(cli(&["price", "--workload", &good]).failed(2).contains("--book"));
    assert!(cli(&["price", "--book", "aws-lambda"]).failed(2).contains("--workload"));
    assert!(cli(&["price", "--book", "aws-lambda", "--workload", &good, "--date", "May"]).failed(2).contains("'May'"));
}
