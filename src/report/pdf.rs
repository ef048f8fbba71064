//! The report as pages: what a customer is sent. Two steps: `page` and `table` lay out texts and rules on pages, which the
//! other files fill; `emit` writes those as PDF/A-2a with tags for those who hear it read (PDF/UA-1). The date in the file is
//! the end of the month, so that the bytes are the same whenever it is made.

mod about;
mod bridge;
mod chargeback;
mod emit;
mod font;
mod head;
mod page;
mod statement;
mod table;

use crate::billing::{Head, Kind};

use super::lines::Lines;
use super::{Error, Format};

use font::Faces;
use page::Composer;

pub(super) fn write(lines: &Lines<'_>, head: &Head, document: &str) -> Result<Vec<u8>, Error> {
    let faces = Faces::new();
    let mut composer = Composer::new(&faces);
    head::write(&mut composer, lines, head, document);
    match &lines.report.kind {
        Kind::Statement => statement::write(&mut composer, lines),
        Kind::Chargeback(_) => chargeback::write(&mut composer, lines),
    }
    if !lines.report.bridge.is_empty() {
        bridge::write(&mut composer, lines);
    }
    about::write(&mut composer, lines);
    composer.number_pages(&about::footer(lines, document));
    emit::write(composer.finish(), lines, head, document).map_err(|reason| Error::refused(Format::Pdf, reason))
}
