//! Writes single values, as JSON or plainly. What stands around them is the caller's.

use std::fmt::Display;
use std::io::Write;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericListArray, OffsetSizeTrait, PrimitiveArray, StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::temporal_conversions::as_datetime;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Writes the value of a row.
pub(super) type Encoder<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As JSON; NULL is `null`.
    Json,
    /// Text without quotes, NULL as nothing; lists, structs and maps as JSON.
    Plain,
}

/// The writer of a column's values.
pub(super) fn encoder(array: &ArrayRef, style: Style) -> Encoder<'_> {
    let valid = valid(array, style);
    let null: &[u8] = if style == Style::Json { b"null" } else { b"" };
    let Some(nulls) = array.logical_nulls() else {
        return valid;
    };
    Box::new(move |row, out| if nulls.is_valid(row) { valid(row, out) } else { out.extend_from_slice(null) })
}

/// Writes text as a JSON string.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text is written to memory");
}

fn valid(array: &ArrayRef, style: Style) -> Encoder<'_> {
    match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row, out| show(array.value(row), out))
        }
        DataType::Int8 => integer::<Int8Type>(array),
        DataType::Int16 => integer::<Int16Type>(array),
        DataType::Int32 => integer::<Int32Type>(array),
        DataType::Int64 => integer::<Int64Type>(array),
        DataType::UInt8 => integer::<UInt8Type>(array),
        DataType::UInt16 => integer::<UInt16Type>(array),
        DataType::UInt32 => integer::<UInt32Type>(array),
        DataType::UInt64 => integer::<UInt64Type>(array),
        DataType::Float16 => float::<Float16Type>(array, style),
        DataType::Float32 => float::<Float32Type>(array, style),
        DataType::Float64 => float::<Float64Type>(array, style),
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            text(move |row| array.value(row), style)
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            text(move |row| array.value(row), style)
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            text(move |row| array.value(row), style)
        }
        DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(array, *scale, style),
        DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(array, *scale, style),
        DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(array, *scale, style),
        DataType::Decimal256(_, scale) => decimal::<Decimal256Type>(array, *scale, style),
        DataType::Date32 => date::<Date32Type>(array, style),
        DataType::Date64 => date::<Date64Type>(array, style),
        DataType::Timestamp(unit, _) => timestamp(array, *unit, style),
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            hex(move |row| array.value(row), style)
        }
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>();
            hex(move |row| array.value(row), style)
        }
        DataType::BinaryView => {
            let array = array.as_binary_view();
            hex(move |row| array.value(row), style)
        }
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            hex(move |row| array.value(row), style)
        }
        _ => nested(array, style),
    }
}

fn nested(array: &ArrayRef, style: Style) -> Encoder<'_> {
    match array.data_type() {
        DataType::List(_) => list::<i32>(array.as_list()),
        DataType::LargeList(_) => list::<i64>(array.as_list()),
        DataType::Struct(_) => structure(array.as_struct()),
        DataType::Map(..) => {
            let map = array.as_map();
            let (keys, values) = (encoder(map.keys(), Style::Plain), encoder(map.values(), Style::Json));
            Box::new(move |row, out| {
                let offsets = map.value_offsets();
                let items = offset(offsets[row])..offset(offsets[row + 1]);
                object(items.clone().map(|item| (plain(&keys, item), item)), &values, out);
            })
        }
        DataType::Dictionary(_, value) => {
            let (dictionary, value) = (array, value.as_ref().clone());
            match cast(dictionary, &value) {
                Ok(flat) => owned(flat, style),
                Err(_) => other(array, style),
            }
        }
        _ => other(array, style),
    }
}

fn show(value: impl Display, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("written to memory");
}

/// Text that needs no escapes, in quotes where the style has them.
fn quoted(value: impl Display, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::Json => write!(out, "\"{value}\"").expect("written to memory"),
        Style::Plain => show(value, out),
    }
}

fn integer<T: ArrowPrimitiveType<Native: Display>>(array: &ArrayRef) -> Encoder<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| show(array.value(row), out))
}

fn float<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &ArrayRef, style: Style) -> Encoder<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| {
        let value: f64 = array.value(row).into();
        match style {
            Style::Json => serde_json::to_writer(out, &value).expect("a number is written to memory"),
            Style::Plain => show(value, out),
        }
    })
}

fn text<'a>(value: impl Fn(usize) -> &'a str + 'a, style: Style) -> Encoder<'a> {
    match style {
        Style::Json => Box::new(move |row, out| string(value(row), out)),
        Style::Plain => Box::new(move |row, out| out.extend_from_slice(value(row).as_bytes())),
    }
}

fn hex<'a>(value: impl Fn(usize) -> &'a [u8] + 'a, style: Style) -> Encoder<'a> {
    Box::new(move |row, out| {
        let digits: String = value(row).iter().map(|byte| format!("{byte:02x}")).collect();
        quoted(digits, style, out);
    })
}

/// All digits that matter, as `Money` prints them.
fn decimal<T: DecimalType>(array: &ArrayRef, scale: i8, style: Style) -> Encoder<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| {
        let digits = array.value_as_string(row);
        let digits = if scale > 0 { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        quoted(digits, style, out);
    })
}

fn date<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &ArrayRef, style: Style) -> Encoder<'_> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| match as_datetime::<T>(array.value(row).into()) {
        Some(date) => quoted(date.format("%Y-%m-%d"), style, out),
        None => quoted(array.value(row).into(), style, out),
    })
}

fn timestamp(array: &ArrayRef, unit: TimeUnit, style: Style) -> Encoder<'_> {
    match unit {
        TimeUnit::Second => instant::<TimestampSecondType>(array, "%Y-%m-%dT%H:%M:%SZ", style),
        TimeUnit::Millisecond => instant::<TimestampMillisecondType>(array, "%Y-%m-%dT%H:%M:%S%.3fZ", style),
        TimeUnit::Microsecond => instant::<TimestampMicrosecondType>(array, "%Y-%m-%dT%H:%M:%S%.6fZ", style),
        TimeUnit::Nanosecond => instant::<TimestampNanosecondType>(array, "%Y-%m-%dT%H:%M:%S%.9fZ", style),
    }
}

/// RFC 3339 in UTC; a time that the calendar does not reach is the number.
fn instant<'a, T: ArrowPrimitiveType<Native = i64>>(
    array: &'a ArrayRef,
    format: &'static str,
    style: Style,
) -> Encoder<'a> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| match as_datetime::<T>(array.value(row)) {
        Some(time) => quoted(time.format(format), style, out),
        None => quoted(array.value(row), style, out),
    })
}

fn list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> Encoder<'_> {
    let items = encoder(list.values(), Style::Json);
    Box::new(move |row, out| {
        let offsets = list.value_offsets();
        let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
        out.push(b'[');
        for item in start..end {
            if item > start {
                out.push(b',');
            }
            items(item, out);
        }
        out.push(b']');
    })
}

fn structure(array: &StructArray) -> Encoder<'_> {
    let fields: Vec<(&str, Encoder)> = array
        .column_names()
        .into_iter()
        .zip(array.columns().iter().map(|column| encoder(column, Style::Json)))
        .collect();
    Box::new(move |row, out| {
        out.push(b'{');
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            string(name, out);
            out.push(b':');
            value(row, out);
        }
        out.push(b'}');
    })
}

fn object(items: impl Iterator<Item = (String, usize)>, values: &Encoder, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, item)) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(&key, out);
        out.push(b':');
        values(item, out);
    }
    out.push(b'}');
}

fn plain(cell: &Encoder, row: usize) -> String {
    let mut text = Vec::new();
    cell(row, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn offset(value: i32) -> usize {
    usize::try_from(value).expect("offsets are not negative")
}

/// An encoder that holds its array.
fn owned<'a>(array: ArrayRef, style: Style) -> Encoder<'a> {
    Box::new(move |row, out| encoder(&array, style)(row, out))
}

/// Arrow's own way to show a value, as text.
fn other(array: &ArrayRef, style: Style) -> Encoder<'_> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options.with_null("null")).ok();
    Box::new(move |row, out| {
        let shown = formatter.as_ref().map_or_else(String::new, |formatter| formatter.value(row).to_string());
        match style {
            Style::Json => string(&shown, out),
            Style::Plain => out.extend_from_slice(shown.as_bytes()),
        }
    })
}
