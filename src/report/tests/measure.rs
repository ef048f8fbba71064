//! Measures how long each format takes and how large it is; run by hand:
//! `cargo test --lib report::tests::measure -- --ignored --nocapture`.

use super::*;

#[test]
#[ignore = "measures"]
#[expect(clippy::disallowed_methods, reason = "tests have no clock of the program's")]
fn report_formats_are_measured() {
    for shares in [500, 5_000, 50_000] {
        let report = chargeback(shares);
        for format in Format::ALL {
            let began = std::time::Instant::now();
            match write(&report, &head(), format) {
                Ok(file) => println!(
                    "{} rows as {format}: {:?}, {} bytes",
                    report.rows.len(),
                    began.elapsed(),
                    file.bytes.len()
                ),
                Err(error) => println!("{} rows as {format}: {error}", report.rows.len()),
            }
        }
    }
}
