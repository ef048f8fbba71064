//! Writes a sheet: typed cells, and the table around them with filters, a header that stays, and widths that fit. It knows no
//! report.

use rust_xlsxwriter::{
    Format, FormatAlign, FormatBorder, Formula, IgnoreError, Table, TableColumn, TableStyle, Workbook, Worksheet,
    XlsxError,
};

use crate::cost::rating::{Minor, Ratio};
use crate::units::Currency;

/// Characters of a cell, at most; more is cut, with an ellipsis that says so.
const CELL_CHARS: usize = 32_767;
/// Pixels of a column, at most; longer texts run on in their cell.
const MAX_WIDTH: u32 = 420;
/// Digits that a number of a spreadsheet holds.
const NUMBER_DIGITS: usize = 15;

/// A sheet that is being written.
pub(super) struct Sheet<'w> {
    sheet: &'w mut Worksheet,
    name: String,
}

impl<'w> Sheet<'w> {
    /// A new sheet behind the others.
    pub(super) fn add(workbook: &'w mut Workbook, name: &str) -> Result<Self, XlsxError> {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_autofit_max_width(MAX_WIDTH);
        Ok(Self { sheet, name: name.to_owned() })
    }

    /// A cell as formulas of other sheets name it: `'Statement 2'!$J$7`.
    pub(super) fn cell(&self, row: u32, column: u16) -> String {
        format!("'{}'!{}", self.name, place(row, column))
    }

    /// Cells of a column, the first and the last row included.
    pub(super) fn cells(&self, first: u32, last: u32, column: u16) -> String {
        format!("'{}'!{}:{}", self.name, place(first, column), place(last, column))
    }

    pub(super) fn text(&mut self, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        let fits = text.encode_utf16().count() <= CELL_CHARS;
        if fits {
            self.sheet.write_string(row, column, text)?;
        } else {
            // A character takes two units at most.
            let cut: String = text.chars().take(CELL_CHARS / 2 - 1).chain(['…']).collect();
            self.sheet.write_string(row, column, cut)?;
        }
        Ok(())
    }

    pub(super) fn bold(&mut self, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string_with_format(row, column, text, &Format::new().set_bold()).map(|_| ())
    }

    /// A text of several lines.
    pub(super) fn paragraph(&mut self, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        let format = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        self.sheet.write_string_with_format(row, column, text, &format).map(|_| ())
    }

    pub(super) fn count(&mut self, row: u32, column: u16, count: u64) -> Result<(), XlsxError> {
        let format = Format::new().set_num_format("#,##0");
        match count.to_string() {
            text if text.len() > NUMBER_DIGITS => self.text(row, column, &text),
            text => self.number(row, column, &text, &format),
        }
    }

    /// A number to reckon with, the nearest that a spreadsheet has.
    pub(super) fn decimal(&mut self, row: u32, column: u16, number: Ratio) -> Result<(), XlsxError> {
        self.number(row, column, &number.to_string(), &Format::new().set_num_format("#,##0.######"))
    }

    /// All digits of a number, or its fraction where they do not end, as text.
    pub(super) fn exact(&mut self, row: u32, column: u16, number: Ratio) -> Result<(), XlsxError> {
        let format = Format::new().set_align(FormatAlign::Right);
        let text = number.as_fraction().unwrap_or_else(|| number.to_string());
        self.sheet.write_string_with_format(row, column, text, &format).map(|_| ())
    }

    /// Rounded money as a number; as text where it has more digits than a number holds.
    pub(super) fn money(&mut self, row: u32, column: u16, amount: Minor, currency: Currency) -> Result<(), XlsxError> {
        let text = amount.to_string();
        if amount.units().unsigned_abs() < 10_u128.pow(15) {
            self.number(row, column, &text, &money(currency, amount.digits()))
        } else {
            self.text(row, column, &text)
        }
    }

    /// A formula that comes to an amount, which readers that do not reckon show.
    pub(super) fn sum(
        &mut self,
        row: u32,
        column: u16,
        formula: &str,
        amount: Minor,
        currency: Currency,
    ) -> Result<(), XlsxError> {
        let format = money(currency, amount.digits()).set_bold().set_border_top(FormatBorder::Thin);
        let formula = Formula::new(formula).set_result(amount.to_string());
        self.sheet.write_formula_with_format(row, column, formula, &format).map(|_| ())
    }

    /// A formula that comes to a text.
    pub(super) fn says(&mut self, row: u32, column: u16, formula: &str, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_formula(row, column, Formula::new(formula).set_result(text)).map(|_| ())
    }

    /// Makes the rows so far a table with these columns, whose last row is `last`; a table has one row at least.
    pub(super) fn table(&mut self, name: &str, headers: &[&str], last: u32) -> Result<(), XlsxError> {
        let columns: Vec<TableColumn> = headers.iter().map(|header| TableColumn::new().set_header(*header)).collect();
        let table = Table::new().set_name(name).set_style(TableStyle::Light1).set_columns(&columns);
        let last_column = u16::try_from(headers.len().saturating_sub(1)).unwrap_or(u16::MAX);
        self.sheet.add_table(0, 0, last.max(1), last_column, &table)?;
        self.sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
        Ok(())
    }

    /// Keeps Excel from warning of exact numbers, which are text on purpose.
    pub(super) fn is_text_on_purpose(&mut self, last: u32, column: u16) -> Result<(), XlsxError> {
        self.sheet.ignore_error_range(1, column, last.max(1), column, IgnoreError::NumberStoredAsText).map(|_| ())
    }

    /// Fits the columns' widths to what is in them.
    pub(super) fn finish(self) {
        self.sheet.autofit();
    }

    fn number(&mut self, row: u32, column: u16, digits: &str, format: &Format) -> Result<(), XlsxError> {
        let number = digits.parse::<f64>().map_err(|error| XlsxError::ParameterError(format!("{digits}: {error}")))?;
        self.sheet.write_number_with_format(row, column, number, format).map(|_| ())
    }
}

fn money(currency: Currency, digits: u32) -> Format {
    let decimals = if digits == 0 { String::new() } else { format!(".{}", "0".repeat(digits as usize)) };
    Format::new().set_num_format(format!("[${currency}] #,##0{decimals};-[${currency}] #,##0{decimals}"))
}

/// `$J$7`: rows and columns count from 0, and there are at most 26 columns.
fn place(row: u32, column: u16) -> String {
    let letter = char::from(b'A' + u8::try_from(column.min(25)).unwrap_or(25));
    format!("${letter}${}", row + 1)
}
