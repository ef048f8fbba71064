//! Owns what a column is: its name, its doc, its type and how its values come out of a record. It does not know which
//! columns a table has: those lists are in the table's own file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, MapArray, StringArray,
    StringBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

use crate::model::Attributes;
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Money, SpanId, Timestamp, TraceId};

/// One column of the records `R`.
pub(crate) struct Column<R: 'static> {
    /// The name in SQL.
    pub(crate) name: &'static str,
    /// Unit and meaning, for users: it is in the schema's metadata under [`COMMENT`].
    pub(crate) doc: &'static str,
    /// Type and values.
    pub(crate) values: Values<R>,
}

/// The key of a column's doc in its field's metadata. Delta and Spark know it by this name.
pub(crate) const COMMENT: &str = "comment";

/// The type of a column, and how to read its value off a record. Those that give an `Option` are nullable.
pub(crate) enum Values<R: 'static> {
    Text(fn(&R) -> &str),
    OptionalText(fn(&R) -> Option<&str>),
    Trace(fn(&R) -> Option<&TraceId>),
    Span(fn(&R) -> Option<&SpanId>),
    OptionalBool(fn(&R) -> Option<bool>),
    Int32(fn(&R) -> i32),
    OptionalInt32(fn(&R) -> Option<i32>),
    Int64(fn(&R) -> i64),
    OptionalInt64(fn(&R) -> Option<i64>),
    OptionalFloat(fn(&R) -> Option<f64>),
    Float(fn(&R) -> f64),
    Time(fn(&R) -> Timestamp),
    OptionalMoney(fn(&R) -> Option<Money>),
    Map(fn(&R) -> &BTreeMap<String, String>),
    Attributes(fn(&R) -> &Attributes),
    /// A list of items: its type, and the whole array at once.
    List(fn() -> DataType, fn(&[&R]) -> ArrayRef),
}

/// The type of a UTC time stamp column.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A field with its doc.
pub(crate) fn documented(name: &str, doc: &str, data_type: DataType, nullable: bool) -> Field {
    Field::new(name, data_type, nullable).with_metadata(HashMap::from([(COMMENT.to_owned(), doc.to_owned())]))
}

/// The fields of a list of columns.
pub(crate) fn fields<R>(columns: &[Column<R>]) -> Vec<Field> {
    let field = |column: &Column<R>| {
        documented(column.name, column.doc, column.values.data_type(), column.values.is_nullable())
    };
    columns.iter().map(field).collect()
}

/// The arrays of a list of columns, one row for each record.
pub(crate) fn arrays<R>(columns: &[Column<R>], rows: &[&R]) -> Vec<ArrayRef> {
    columns.iter().map(|column| column.values.array(rows)).collect()
}

impl<R> Values<R> {
    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) | Self::OptionalText(_) | Self::Trace(_) | Self::Span(_) => DataType::Utf8,
            Self::OptionalBool(_) => DataType::Boolean,
            Self::Int32(_) | Self::OptionalInt32(_) => DataType::Int32,
            Self::Int64(_) | Self::OptionalInt64(_) => DataType::Int64,
            Self::Float(_) | Self::OptionalFloat(_) => DataType::Float64,
            Self::Time(_) => time_type(),
            Self::OptionalMoney(_) => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            Self::Map(_) | Self::Attributes(_) => DataType::Map(map_entries(), false),
            Self::List(data_type, _) => data_type(),
        }
    }

    fn is_nullable(&self) -> bool {
        match self {
            Self::Text(_) | Self::Int32(_) | Self::Int64(_) | Self::Float(_) | Self::Time(_) => false,
            Self::OptionalText(_)
            | Self::Trace(_)
            | Self::Span(_)
            | Self::OptionalBool(_)
            | Self::OptionalInt32(_)
            | Self::OptionalInt64(_)
            | Self::OptionalFloat(_)
            | Self::OptionalMoney(_)
            | Self::Map(_)
            | Self::Attributes(_)
            | Self::List(..) => true,
        }
    }

    fn array(&self, rows: &[&R]) -> ArrayRef {
        let rows = rows.iter().copied();
        match self {
            Self::Text(get) => Arc::new(StringArray::from_iter_values(rows.map(get))),
            Self::OptionalText(get) => Arc::new(rows.map(get).collect::<StringArray>()),
            Self::Trace(get) => hex(rows.map(|row| get(row).map(TraceId::bytes))),
            Self::Span(get) => hex(rows.map(|row| get(row).map(SpanId::bytes))),
            Self::OptionalBool(get) => Arc::new(rows.map(get).collect::<BooleanArray>()),
            Self::Int32(get) => Arc::new(Int32Array::from_iter_values(rows.map(get))),
            Self::OptionalInt32(get) => Arc::new(rows.map(get).collect::<Int32Array>()),
            Self::Int64(get) => Arc::new(Int64Array::from_iter_values(rows.map(get))),
            Self::OptionalInt64(get) => Arc::new(rows.map(get).collect::<Int64Array>()),
            Self::Float(get) => Arc::new(Float64Array::from_iter_values(rows.map(get))),
            Self::OptionalFloat(get) => Arc::new(rows.map(get).collect::<Float64Array>()),
            Self::Time(get) => Arc::new(times(rows.map(|row| get(row).micros()))),
            Self::OptionalMoney(get) => {
                let amounts = rows.map(|row| get(row).map(Money::units)).collect::<Decimal128Array>();
                Arc::new(amounts.with_data_type(self.data_type()))
            }
            Self::Map(get) => map(rows.map(|row| get(row).iter())),
            Self::Attributes(get) => map(rows.map(|row| get(row).iter())),
            Self::List(_, build) => build(&rows.collect::<Vec<_>>()),
        }
    }
}

/// UTC time stamps from microseconds.
pub(crate) fn times(micros: impl Iterator<Item = i64>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC")
}

fn hex<'a, const N: usize>(ids: impl Iterator<Item = Option<&'a [u8; N]>>) -> ArrayRef {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let rows = ids.size_hint().0;
    let mut builder = StringBuilder::with_capacity(rows, rows * N * 2);
    let mut digits = [0_u8; 64];
    for id in ids {
        let Some(id) = id else {
            builder.append_null();
            continue;
        };
        for (pair, byte) in digits.chunks_exact_mut(2).zip(id) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        builder.append_value(std::str::from_utf8(&digits[..N * 2]).expect("hex digits are ASCII"));
    }
    Arc::new(builder.finish())
}

/// The entries of a map of text, under the names that Delta gives them.
fn map_entries() -> FieldRef {
    let key = Field::new("key", DataType::Utf8, false);
    let value = Field::new("value", DataType::Utf8, true);
    Arc::new(Field::new("key_value", DataType::Struct(Fields::from(vec![key, value])), false))
}

fn map<'a, M: ExactSizeIterator<Item = (&'a String, &'a String)>>(maps: impl Iterator<Item = M>) -> ArrayRef {
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let mut lengths = Vec::with_capacity(maps.size_hint().0);
    for map in maps {
        lengths.push(map.len());
        for (key, value) in map {
            keys.append_value(key);
            values.append_value(value);
        }
    }
    let entries = map_entries();
    let DataType::Struct(fields) = entries.data_type().clone() else { unreachable!("entries are a struct") };
    let pairs = StructArray::new(fields, vec![Arc::new(keys.finish()), Arc::new(values.finish())], None);
    Arc::new(MapArray::new(entries, OffsetBuffer::from_lengths(lengths), pairs, None, false))
}

/// The type of a list of structs.
pub(crate) fn struct_list_type<T>(columns: &[Column<T>]) -> DataType {
    list_type(DataType::Struct(nested(columns)))
}

/// The fields of a struct in a list, all nullable: Spark refuses NOT NULL inside of lists.
fn nested<T>(columns: &[Column<T>]) -> Fields {
    fields(columns).into_iter().map(|field| field.with_nullable(true)).collect()
}

/// The type of a list.
pub(crate) fn list_type(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

/// Lists of structs: `items` are a record's.
pub(crate) fn struct_list<R, T: 'static>(rows: &[&R], items: fn(&R) -> &[T], columns: &[Column<T>]) -> ArrayRef {
    let flat: Vec<&T> = rows.iter().flat_map(|row| items(row)).collect();
    let element = StructArray::new(nested(columns), arrays(columns, &flat), None);
    list(rows.iter().map(|row| items(row).len()), Arc::new(element))
}

/// Lists of the given lengths over their items laid end to end.
pub(crate) fn list(lengths: impl Iterator<Item = usize>, items: ArrayRef) -> ArrayRef {
    let element = Arc::new(Field::new("element", items.data_type().clone(), true));
    Arc::new(ListArray::new(element, OffsetBuffer::from_lengths(lengths), items, None))
}
