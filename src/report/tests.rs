//! Tests of the files: goldens, the same bytes each time, any text in any cell, and the same totals in every format. Programs
//! that others use (LibreOffice, pdftotext) read the files back in `outside`.

mod measure;
mod outside;
mod sample;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use crate::billing::{Head, Report, RowType};

use super::*;
use sample::{cents, chargeback, head, line, number, statement};

fn written(report: &Report, format: Format) -> Vec<u8> {
    write(report, &head(), format).expect("it is written").bytes
}

/// A CSV file's rows, its header left out, read by a library.
fn read_csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let fields: Vec<Field> = lines::Column::ALL.map(|column| Field::new(column.name(), DataType::Utf8, true)).to_vec();
    let reader =
        arrow::csv::ReaderBuilder::new(Schema::new(fields).into()).with_header(true).build(bytes).expect("CSV");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.expect("rows");
        for row in 0..batch.num_rows() {
            let cell = |column: &arrow::array::ArrayRef| {
                let texts = column.as_string::<i32>();
                if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() }
            };
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

fn read_parquet(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).expect("Parquet").build().expect("a reader");
    reader.map(|batch| batch.expect("rows")).collect()
}

#[test]
fn a_statement_as_csv() {
    let text = String::from_utf8(written(&statement(), Format::Csv)).expect("UTF-8");
    let sixths = |digits: &str| {
        format!("{digits}{}", digits.chars().last().expect("digits").to_string().repeat(60 - digits.len() + 1))
    };
    let (third, ninths) = (sixths("33.3"), sixths("11.1"));
    let one_third = format!("0.{}", "3".repeat(60));
    let thirds = |meter: &str, billed: &str| {
        format!(
            "line,2026-03,{meter},1,,{third},vCPU-second,{one_third},{ninths},{billed},EUR,cloud-run-request@2025-10-01,,,100/3,,1/3,100/9"
        )
    };
    let golden = [
        "line_type,period,meter,tier,dimension,quantity,unit,unit_price,exact_cost,billed_cost,currency,price_book,region,free_quantity,quantity_ratio,free_quantity_ratio,unit_price_ratio,exact_cost_ratio",
        "line,2026-03,duration_x86,1,,140000.2,GiB-second,0.0000166667,2.33334133334,2.33,USD,aws-lambda@2025-10-01,us-east-1,400000,,,,",
        "line,2026-03,requests,2,,3000000,request,0.0000002,0.6,0.60,USD,aws-lambda@2025-10-01,us-east-1,1000000,,,,",
        "line,2026-03,monthly_credit,,,0.5,USD,-1,-0.5,-0.50,USD,aws-lambda@2025-10-01,us-east-1,,,,,",
        &thirds("cpu", "11.11"),
        &thirds("memory", "11.11"),
        &thirds("idle", "11.12"),
        "rounding,2026-03,,,,,,,0,-0.01,EUR,cloud-run-request@2025-10-01,,,,,,",
        &format!("total,2026-03,,,,,,,{third},33.33,EUR,,,,,,,100/3"),
        "total,2026-03,,,,,,,2.43334133334,2.43,USD,,,,,,,",
        "",
    ];
    assert_eq!(text, golden.join("\r\n"));
}

#[test]
fn a_statement_as_json() {
    let json: Value = serde_json::from_slice(&written(&statement(), Format::Json)).expect("JSON");
    assert_eq!(
        (&json["kind"], &json["dimension"], &json["period"], &json["open"]),
        (&"statement".into(), &Value::Null, &"2026-03".into(), &false.into())
    );
    let row = &json["rows"][3];
    assert_eq!(
        (&row["unit_price_ratio"], &row["exact_cost_ratio"], &row["tier"]),
        (&"1/3".into(), &"100/9".into(), &1.into())
    );
    assert_eq!(json["rows"][0]["quantity"], "140000.2");
    assert!(json["rows"][0].get("quantity_ratio").is_none() && json["rows"][7]["meter"].is_null());
    assert_eq!((&json["bills"][0]["zone"], &json["bills"][1]["zone"]), (&"UTC".into(), &"America/Los_Angeles".into()));
    assert_eq!((&json["bridge"][3]["list"], &json["bridge"][3]["rounding"]), (&"100/9".into(), &"-1/900".into()));
    assert_eq!(json["sources"]["table_version"], "412");
    let columns: Vec<&str> = lines::Column::ALL[..14].iter().map(|column| column.name()).collect();
    let text = String::from_utf8(written(&statement(), Format::Json)).expect("UTF-8");
    let text = &text[text.find("\"rows\"").expect("rows")..];
    let places: Vec<usize> = columns.iter().map(|name| text.find(&format!("\"{name}\"")).expect("a member")).collect();
    assert!(places.is_sorted(), "members are in the order of the columns");
}

#[test]
fn a_statement_as_parquet() {
    let report =
        Report { rows: [statement().rows, vec![line("b", "fine", "1e-25", "0.00", "USD")]].concat(), ..statement() };
    let bytes = written(&report, Format::Parquet);
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes.clone())).expect("Parquet");
    let metadata = builder.metadata().file_metadata().key_value_metadata().expect("metadata").clone();
    let value = |key: &str| metadata.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
    assert_eq!(value("faremeter.period").as_deref(), Some("2026-03"));
    assert_eq!(value("faremeter.table_version").as_deref(), Some("412"));
    let books = value("faremeter.price_books").expect("books");
    assert!(books.starts_with(&format!("aws-lambda@2025-10-01 sha256:{}\ncloud-run", "5f".repeat(32))), "{books}");
    let batch = &read_parquet(bytes)[0];
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    assert_eq!(column("exact_cost").data_type(), &DataType::Decimal128(38, 23));
    let exact = column("exact_cost").as_primitive::<Decimal128Type>();
    let full = column("exact_cost_ratio").as_string::<i32>();
    assert_eq!((exact.value_as_string(0), full.is_null(0)), ("2.33334133334000000000000".to_owned(), true));
    assert_eq!((exact.value_as_string(3), full.value(3)), ("11.11111111111111111111111".to_owned(), "100/9"));
    let fine = batch.num_rows() - 1;
    assert_eq!(
        (exact.value(fine), full.value(fine)),
        (0, "0.0000000000000000000000001"),
        "finer than the column, told in full"
    );
    assert!(column("tier").is_null(2) && column("meter").is_null(6));
}

#[test]
fn an_amount_that_no_column_holds_is_refused() {
    let mut report = statement();
    report.rows[0].exact_cost = number("1e15");
    let error = write(&report, &head(), Format::Parquet).expect_err("too large").to_string();
    assert_eq!(error, "exact_cost is 1000000000000000, which a column of 38 digits and 23 decimals does not hold");
    assert!(write(&report, &head(), Format::Csv).is_ok());
}

#[test]
fn the_same_report_is_the_same_bytes() {
    for report in
        [statement(), chargeback(12), Report { rows: Vec::new(), bills: Vec::new(), bridge: Vec::new(), ..statement() }]
    {
        for format in Format::ALL {
            let (one, two) = (write(&report, &head(), format), write(&report, &head(), format));
            let (one, two) = (one.expect("written"), two.expect("written"));
            assert!(one.bytes == two.bytes, "{format}");
            assert_eq!(one.manifest.to_json(), two.manifest.to_json(), "{format}");
            assert_eq!(one.manifest.sha256, Digest::of(&one.bytes).to_string());
        }
    }
    let documents = [statement(), chargeback(12)]
        .map(|report| write(&report, &head(), Format::Csv).expect("written").manifest.document);
    assert_ne!(documents[0], documents[1]);
    assert_ne!(write(&statement(), &Head::default(), Format::Csv).expect("written").manifest.document, documents[0]);
}

#[test]
fn a_manifest_says_what_the_file_is() {
    let file = write(&chargeback(3), &Head::default(), Format::Csv).expect("written");
    let manifest: Value = serde_json::from_slice(&file.manifest.clone().named("mine.csv").to_json()).expect("JSON");
    assert_eq!(file.manifest.file, "faremeter-chargeback-tag-team-2026-03.csv");
    for (name, value) in [
        ("file", Value::from("mine.csv")),
        ("format", "csv".into()),
        ("bytes", file.bytes.len().into()),
        ("sha256", Digest::of(&file.bytes).to_string().into()),
        ("kind", "chargeback".into()),
        ("dimension", "tag:team".into()),
        ("period", "2026-03".into()),
        ("open", true.into()),
        ("row_count", 7.into()),
        ("control_totals", serde_json::json!([{"currency": "USD", "exact_cost": "0.066", "billed_cost": "0.06"}])),
        ("table_version", 412.into()),
        ("records", 4_000_021.into()),
        ("unpriced", 21.into()),
        ("engine_version", "0.1.0".into()),
    ] {
        assert_eq!(manifest[name], value, "{name}");
    }
    assert_eq!(manifest["price_books"][0]["from"], statement().bills[0].from.to_string());
    assert_eq!(Digest::of(b"").repr_digest(), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

/// Rows of the column, and whether their line type is `total`.
fn totals_of_csv(bytes: &[u8]) -> Vec<[String; 3]> {
    let rows = read_csv(bytes);
    rows.into_iter()
        .filter(|row| row[0] == "total")
        .map(|row| [row[10].clone(), row[8].clone(), row[9].clone()])
        .collect()
}

#[test]
fn formats_have_the_same_totals() {
    for report in [statement(), chargeback(40)] {
        let csv = totals_of_csv(&written(&report, Format::Csv));
        assert_eq!(csv.len(), report.rows.iter().filter(|row| row.row_type == RowType::Total).count());
        let json: Value = serde_json::from_slice(&written(&report, Format::Json)).expect("JSON");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let rows = json["rows"].as_array().expect("rows").iter().filter(|row| row["line_type"] == "total");
        let in_json: Vec<_> =
            rows.map(|row| ["currency", "exact_cost", "billed_cost"].map(|name| text(&row[name]))).collect();
        assert_eq!(in_json, csv);
        let manifest = write(&report, &head(), Format::Parquet).expect("written").manifest;
        let stated: Vec<_> = manifest
            .control_totals
            .iter()
            .map(|total| [total.currency.clone(), total.exact_cost.clone(), total.billed_cost.clone()])
            .collect();
        assert_eq!(stated, csv);
        let mut billed = Vec::new();
        for batch in read_parquet(written(&report, Format::Parquet)) {
            let column = |name: &str| batch.column_by_name(name).expect("a column");
            for row in 0..batch.num_rows() {
                if column("line_type").as_string::<i32>().value(row) == "total" {
                    let decimal = |name: &str| column(name).as_primitive::<Decimal128Type>().value_as_string(row);
                    let full = column("exact_cost_ratio").as_string::<i32>();
                    let exact =
                        if full.is_null(row) { number(&decimal("exact_cost")) } else { number(full.value(row)) };
                    assert!(decimal("billed_cost").ends_with(&"0".repeat(21)), "whole cents");
                    let cents = cents(&decimal("billed_cost")[..decimal("billed_cost").len() - 21]);
                    billed.push([
                        column("currency").as_string::<i32>().value(row).to_owned(),
                        exact.to_string(),
                        cents.to_string(),
                    ]);
                }
            }
        }
        assert_eq!(billed, csv);
    }
}

proptest! {
    /// Whatever is in a text, another program reads it back, and takes no text for a formula.
    #[test]
    fn texts_survive_csv(meter in ".{0,12}", dimension in "[=+@\t\r\n\"',;x -]{0,8}", region in "\\PC{0,6}") {
        let texts = [meter, dimension, region];
        let mut report = statement();
        let row = &mut report.rows[0];
        (row.meter, row.dimension, row.region) = (texts[0].clone(), texts[1].clone(), texts[2].clone());
        let rows = read_csv(&written(&report, Format::Csv));
        prop_assert_eq!(rows.len(), report.rows.len());
        for (cell, text) in [2, 4, 12].map(|column| &rows[0][column]).into_iter().zip(&texts) {
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?} is a formula");
            prop_assert!(cell == text || cell.strip_prefix('\'') == Some(text), "{cell:?} is not {text:?}");
            prop_assert_eq!(cell.len() - text.len(), usize::from(text.starts_with(['=', '+', '-', '@', '\t', '\r'])));
        }
        prop_assert_eq!(&rows[2][9], "-0.50", "numbers are as they are");
    }
}
