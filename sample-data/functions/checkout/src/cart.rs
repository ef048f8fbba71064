//! A cart and its limits. What is accepted here cannot overflow in `pricing`.

use kit::json::{self, Value};

pub(crate) struct Cart {
    pub(crate) order_id: String,
    pub(crate) items: Vec<Item>,
}

pub(crate) struct Item {
    pub(crate) sku: String,
    /// At most 10,000,000.
    pub(crate) cents: u64,
    /// 1 to 1,000.
    pub(crate) quantity: u64,
}

impl Cart {
    pub(crate) fn parse(text: &str) -> Result<Cart, String> {
        let value = json::parse(text)?;
        let Some(Value::List(items)) = value.field("items") else {
            return Err("items is missing".to_string());
        };
        Ok(Cart { order_id: value.text("order_id")?, items: items.iter().map(Item::parse).collect::<Result<_, _>>()? })
    }
}

impl Item {
    fn parse(value: &Value) -> Result<Item, String> {
        let item = Item { sku: value.text("sku")?, cents: value.number("cents")?, quantity: value.number("quantity")? };
        if item.cents > 10_000_000 {
            return Err(format!("cents of {} is too high: {}", item.sku, item.cents));
        }
        if !(1..=1000).contains(&item.quantity) {
            return Err(format!("quantity of {} is not from 1 to 1000: {}", item.sku, item.quantity));
        }
        Ok(item)
    }
}
