//! Values of attributes and bodies as text: a text is itself, any other value is its JSON.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use crate::model::Attributes;

/// Attributes by name; of a name that is there twice the last.
pub(super) fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

/// A value as text; `null` where there is none.
pub(super) fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|any| any.value) {
        Some(Value::StringValue(text)) => text,
        other => {
            let mut json = String::new();
            write_json(other.as_ref(), &mut json);
            json
        }
    }
}

fn write_json(value: Option<&Value>, json: &mut String) {
    match value {
        // An index into a table that only profiles have.
        None | Some(Value::StringValueStrindex(_)) => json.push_str("null"),
        Some(Value::StringValue(text)) => write_text(text, json),
        Some(Value::BoolValue(value)) => json.push_str(if *value { "true" } else { "false" }),
        Some(Value::IntValue(value)) => _ = write!(json, "{value}"),
        Some(Value::DoubleValue(value)) => write_double(*value, json),
        Some(Value::BytesValue(bytes)) => write_text(&STANDARD.encode(bytes), json),
        Some(Value::ArrayValue(array)) => {
            json.push('[');
            for (at, item) in array.values.iter().enumerate() {
                json.push_str(if at > 0 { "," } else { "" });
                write_json(item.value.as_ref(), json);
            }
            json.push(']');
        }
        Some(Value::KvlistValue(list)) => {
            json.push('{');
            for (at, pair) in list.values.iter().enumerate() {
                json.push_str(if at > 0 { "," } else { "" });
                write_text(&pair.key, json);
                json.push(':');
                write_json(pair.value.as_ref().and_then(|any| any.value.as_ref()), json);
            }
            json.push('}');
        }
    }
}

fn write_text(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

/// JSON has no word for what is not finite: a text, as protobuf's JSON has it.
fn write_double(value: f64, json: &mut String) {
    match serde_json::Number::from_f64(value) {
        Some(number) => _ = write!(json, "{number}"),
        None if value.is_nan() => json.push_str("\"NaN\""),
        None => json.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    use super::*;

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn what_is_no_text_is_its_json() {
        let pair = |key: &str, value| KeyValue { key: key.to_owned(), value, ..KeyValue::default() };
        let array = ArrayValue { values: vec![any(Value::StringValue("a\"b".to_owned())), AnyValue::default()] };
        let list = KeyValueList { values: vec![pair("x", Some(any(Value::IntValue(1)))), pair("y", None)] };
        let cases = [
            (Value::StringValue("plain \"text\"".to_owned()), "plain \"text\""),
            (Value::BoolValue(true), "true"),
            (Value::IntValue(-7), "-7"),
            (Value::DoubleValue(0.5), "0.5"),
            (Value::DoubleValue(3.0), "3.0"),
            (Value::DoubleValue(f64::NAN), "\"NaN\""),
            (Value::DoubleValue(f64::NEG_INFINITY), "\"-Infinity\""),
            (Value::BytesValue(vec![0, 255]), "\"AP8=\""),
            (Value::ArrayValue(array), "[\"a\\\"b\",null]"),
            (Value::KvlistValue(list), "{\"x\":1,\"y\":null}"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(Some(any(value))), expected);
        }
        assert_eq!(text(None), "null");
    }
}
