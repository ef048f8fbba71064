//! Owns the columns of `charges`: their names, which are FOCUS' in snake case (own ones begin with `x_`), types and meaning.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{MapBuilder, MapFieldNames, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::units::{MONEY_PRECISION, MONEY_SCALE};

/// The column that tables are partitioned by.
pub(super) const MONTH: &str = "month";
/// The column that may differ where nothing else does.
pub(super) const TABLE_VERSION: &str = "x_table_version";
/// Decimals of quantities: those of a MB·ms in GiB-seconds.
pub(super) const QUANTITY_SCALE: i8 = 13;

pub(super) const MONEY: DataType = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
pub(super) const QUANTITY: DataType = DataType::Decimal128(MONEY_PRECISION, QUANTITY_SCALE);

/// All columns, the partition's first; their docs are in the metadata under `comment`.
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(make);
    Arc::clone(&SCHEMA)
}

/// An empty map of texts of the type that the store's tables have.
pub(super) fn tags_builder() -> MapBuilder<StringBuilder, StringBuilder> {
    let names = MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
}

fn make() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let tags = arrow::array::Array::data_type(&tags_builder().finish()).clone();
    let text = || DataType::Utf8;
    let columns = [
        (MONTH, text(), false, "the billing month, YYYY-MM, in the book's zone"),
        ("billing_period_start", time(), false, "start of the month in the book's zone, included"),
        ("billing_period_end", time(), false, "end of the month, not included"),
        (
            "charge_category",
            text(),
            false,
            "Usage, Purchase (what a month costs by itself), Credit, or Adjustment (rounding of a total)",
        ),
        ("service_name", text(), false, "the price book's name"),
        ("region_id", text(), true, "whose prices these are; null where it is all of them"),
        ("sub_account_id", text(), true, "the tenant; null in an adjustment"),
        ("resource_id", text(), true, "the function; null in an adjustment"),
        ("tags", tags, true, "the tags of the usage; null in an adjustment"),
        ("sku_meter", text(), false, "the book's meter, or the credit"),
        ("x_tier", DataType::Int32, true, "the meter's tier, from 1; null where there is none"),
        ("pricing_quantity", QUANTITY, true, "what is paid for, in pricing_unit"),
        ("x_free_quantity", QUANTITY, true, "what was used beside it and is free; in a meter's first tier"),
        ("pricing_unit", text(), true, "what the quantities count"),
        ("list_unit_price", MONEY, true, "price of a unit in the first tier, in billing_currency"),
        ("contracted_unit_price", MONEY, true, "price of a unit in this tier"),
        ("list_cost", MONEY, false, "exact: pricing_quantity x list_unit_price"),
        ("contracted_cost", MONEY, false, "exact: pricing_quantity x contracted_unit_price"),
        ("effective_cost", MONEY, false, "the same: nothing was paid before"),
        ("billed_cost", MONEY, false, "as invoiced, in whole minor units; all rows of a book add up to its total"),
        ("billing_currency", text(), false, "ISO 4217"),
        ("x_price_book", text(), false, "id and edition of the price book"),
        ("x_price_book_sha256", text(), false, "the digest of the book's text, hex"),
        (TABLE_VERSION, DataType::Int64, false, "the version of the table invocations when these rows came to be"),
    ];
    let field = |(name, kind, nullable, doc): (&str, DataType, bool, &str)| {
        Field::new(name, kind, nullable).with_metadata(HashMap::from([("comment".to_owned(), doc.to_owned())]))
    };
    Arc::new(Schema::new(columns.into_iter().map(field).collect::<Vec<_>>()))
}
