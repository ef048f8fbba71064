//! Files as other programs read them: workbooks by LibreOffice, which reckons their formulas anew, PDFs by poppler. Where a
//! program is absent the test says so and passes.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::report::lines::Lines;

/// LibreOffice's settings: formulas are reckoned when a workbook is opened, whatever values it holds.
const RECKON: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"#;

/// Whether the program can be run. Where not, that is said.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg(if program == "soffice" { "--version" } else { "-v" }).output().is_ok();
    if !found {
        let note = format!("\nSKIPPED: this test needs {program}, which is not there\n");
        std::io::stderr().write_all(note.as_bytes()).expect("standard error can be written");
    }
    found
}

/// The workbook's sheets as LibreOffice sees them: each one's name and rows.
fn sheets(workbook: &[u8]) -> Vec<(String, Vec<Vec<String>>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("profile/user");
    std::fs::create_dir_all(&profile).expect("a folder");
    std::fs::write(profile.join("registrymodifications.xcu"), RECKON).expect("written");
    std::fs::write(folder.path().join("report.xlsx"), workbook).expect("written");
    let status = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", folder.path().join("profile").display()))
        .args([
            "--headless",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1",
        ])
        .args(["--outdir", &folder.path().display().to_string()])
        .arg(folder.path().join("report.xlsx"))
        .output()
        .expect("LibreOffice runs");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let mut sheets = Vec::new();
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            sheets.push((sheet_name(&path), rows(&path)));
        }
    }
    sheets.sort();
    sheets
}

fn sheet_name(path: &Path) -> String {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .and_then(|stem| stem.strip_prefix("report-"))
        .expect("a name")
        .to_owned()
}

/// Rows of LibreOffice's CSV; no sheet here has more columns than this.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("UTF-8");
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let cells = rows.last_mut().expect("a row");
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                cells.last_mut().expect("a cell").extend(characters.next())
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            c => cells.last_mut().expect("a cell").push(c),
        }
    }
    rows.pop();
    rows
}

fn sheet<'s>(sheets: &'s [(String, Vec<Vec<String>>)], name: &str) -> &'s [Vec<String>] {
    let found = sheets.iter().find(|(known, _)| known == name);
    &found
        .unwrap_or_else(|| {
            panic!("no sheet {name} among {:?}", sheets.iter().map(|(name, _)| name).collect::<Vec<_>>())
        })
        .1
}

#[test]
fn a_workbook_adds_up_in_another_program() {
    if !is_there("soffice") {
        return;
    }
    let report = statement();
    let sheets = sheets(&written(&report, Format::Xlsx));
    let rows = sheet(&sheets, "Statement");
    let csv = read_csv(&written(&report, Format::Csv));
    assert_eq!(rows.len(), csv.len() + 1);
    for (row, csv) in rows[1..].iter().zip(&csv) {
        for column in [0, 1, 2, 4, 6, 10] {
            assert_eq!(row[column], csv[column]);
        }
        let (in_sheet, in_csv): (f64, f64) = (row[9].parse().expect("a number"), csv[9].parse().expect("a number"));
        assert_eq!(in_sheet, in_csv, "{row:?}");
        let exact = if csv[17].is_empty() { &csv[8] } else { &csv[17] };
        assert_eq!(&row[8], exact, "all digits, or the fraction");
    }
    assert_eq!(rows[1][5], "140000.2");
    assert_eq!(rows[4][18], "100/3");
    let about = sheet(&sheets, "About");
    let checks: Vec<&str> =
        about.iter().map(|row| row.last().map_or("", String::as_str)).filter(|text| *text == "agrees").collect();
    assert_eq!(checks.len(), 2, "{about:?}");
    assert_eq!(sheet(&sheets, "Bridge").len(), 5);
    assert_eq!(sheet(&sheets, "Bills")[2][4], "America/Los_Angeles");
}

#[test]
fn a_large_workbook_goes_on_in_further_sheets() {
    if !is_there("soffice") {
        return;
    }
    let report = chargeback(5);
    let lines = Lines::of(&report);
    let workbook = xlsx::write_split(&lines, &head(), "FM", 4).expect("written");
    let sheets = sheets(&workbook);
    let lengths = ["Chargeback", "Chargeback 2", "Chargeback 3"].map(|name| sheet(&sheets, name).len());
    assert_eq!(lengths, [5, 5, 4], "a header each, ten rows, a total");
    let total = sheet(&sheets, "Chargeback 3").last().expect("a total");
    assert_eq!((total[0].as_str(), total[9].as_str(), total[10].as_str()), ("total", "0.2", "USD"));
    assert!(sheets.iter().any(|(_, rows)| rows.iter().any(|row| row[4.min(row.len() - 1)].contains("team-004"))));
}

/// The PDF's text, as it is laid out.
fn text(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, pdf).expect("written");
    let read =
        Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(&file).arg("-").output().expect("it runs");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).expect("UTF-8")
}

#[test]
fn a_pdf_says_what_the_other_files_say() {
    if !is_there("pdftotext") {
        return;
    }
    let file = write(&statement(), &head(), Format::Pdf).expect("written");
    keep("statement", &file.bytes);
    let text = text(&file.bytes);
    let squeezed: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Lighthouse Compute GmbH",
        "Tax id DE 123 456 789",
        "1050 København K",
        "PO-2026-0417",
        "March 2026",
        &file.manifest.document,
        "Duration x86 140,000.2 GiB-second 0.0000166667 2.33",
        "1,000,000 request free",
        "Rounding -0.01",
        "Subtotal AWS Lambda USD 2.43",
        "Total USD USD 2.43",
        "Total EUR EUR 33.33",
        "Before rounding: 2.43334133334 USD. Billed: 2.43 USD.",
        "Before rounding: 100/3 EUR. Billed: 33.33 EUR.",
        "version 412",
        &"5f".repeat(32),
    ] {
        assert!(squeezed.contains(part), "'{part}' is not in {text}");
    }
    let pages = text.matches('\u{c}').count();
    let words: String = text.split_whitespace().collect();
    for page in 1..=pages {
        assert!(words.contains(&format!("{page}/{pages}")), "page {page} of {pages} has no number");
    }
}

#[test]
fn a_long_pdf_repeats_its_heads() {
    if !is_there("pdftotext") {
        return;
    }
    let report = chargeback(200);
    let file = write(&report, &head(), Format::Pdf).expect("written");
    keep("chargeback", &file.bytes);
    let text = text(&file.bytes);
    let pages: Vec<&str> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    assert!(pages.len() > 8, "{} pages", pages.len());
    for page in &pages[1..pages.len() - 1] {
        assert!(page.contains("Amount"), "a page without heads: {page}");
    }
    for share in ["team-001", "team-199", "untagged", "[U+6771]"] {
        assert!(text.contains(share), "{share}");
    }
    let words: String = text.split_whitespace().collect();
    assert!(words.contains("wanted-to-shorten"), "a long name is broken and not cut");
    assert!(text.contains("Total USD") && text.contains("398.00"), "2 x (0 + ... + 199) cents");
}

/// Puts a file where `FAREMETER_KEEP_REPORTS` says, to be looked at.
fn keep(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("FAREMETER_KEEP_REPORTS") {
        std::fs::write(Path::new(&folder).join(format!("{name}.pdf")), pdf).expect("written");
    }
}
