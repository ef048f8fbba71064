//! Each format writes each type of column as its readers expect it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, MapBuilder,
    MapFieldNames, StringArray, StringBuilder, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::array::{ListBuilder, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;

use super::*;

fn result(columns: Vec<(&str, ArrayRef)>) -> QueryResult {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    QueryResult { schema: Arc::clone(&schema), batches: vec![RecordBatch::try_new(schema, arrays).unwrap()] }
}

fn money(units: [Option<i128>; 2]) -> ArrayRef {
    let array: Decimal128Array = units.into_iter().collect();
    Arc::new(array.with_precision_and_scale(38, 23).unwrap())
}

fn map() -> ArrayRef {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("team");
    map.values().append_value("a \"shop\"");
    map.keys().append_value("none");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    Arc::new(map.finish())
}

fn everything() -> QueryResult {
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("x"), None]);
    list.append_value([None::<&str>; 0]);
    let nested: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let structure = StructArray::from(vec![(Arc::new(Field::new("n", DataType::Int64, true)), nested)]);
    result(vec![
        ("int", Arc::new(Int64Array::from(vec![Some(i64::MAX), None]))),
        ("unsigned", Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
        ("double", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN)]))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("text", Arc::new(StringArray::from(vec![Some("a,\"b\"\nc\u{1b}"), Some("")]))),
        ("money", money([Some(20_833_375_000_000_000), Some(-10_i128.pow(37))])),
        ("micros", Arc::new(TimestampMicrosecondArray::from(vec![1, -1]).with_timezone("UTC"))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![Some(1_763_694_245_123_456_789), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(20_000), None]))),
        ("binary", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None]))),
        ("map", map()),
        ("list", Arc::new(list.finish())),
        ("struct", Arc::new(structure)),
    ])
}

#[test]
fn json_is_as_the_contract_has_it() {
    let json: serde_json::Value = serde_json::from_slice(&json(&everything()).unwrap()).unwrap();
    let expected: serde_json::Value = serde_json::from_str(
        r#"{"columns":[
            {"name":"int","type":"bigint"},{"name":"unsigned","type":"unsigned bigint"},{"name":"double","type":"double"},
            {"name":"bool","type":"boolean"},{"name":"text","type":"text"},{"name":"money","type":"decimal(38,23)"},
            {"name":"micros","type":"timestamp"},{"name":"nanos","type":"timestamp"},{"name":"date","type":"date"},
            {"name":"binary","type":"binary"},{"name":"map","type":"map(text,text)"},{"name":"list","type":"list(text)"},
            {"name":"struct","type":"struct(n bigint)"}],
          "rows":[
            {"int":9223372036854775807,"unsigned":18446744073709551615,"double":0.1,"bool":true,
             "text":"a,\"b\"\nc\u001b","money":"0.00000020833375","micros":"1970-01-01T00:00:00.000001Z",
             "nanos":"2025-11-21T03:04:05.123456789Z","date":"2024-10-04","binary":"00ff",
             "map":{"team":"a \"shop\"","none":null},"list":["x",null],"struct":{"n":1}},
            {"int":null,"unsigned":0,"double":null,"bool":null,"text":"","money":"-100000000000000",
             "micros":"1969-12-31T23:59:59.999999Z","nanos":null,"date":null,"binary":null,"map":null,"list":[],
             "struct":{"n":null}}]}"#,
    )
    .unwrap();
    assert_eq!(json, expected);
}

#[test]
fn json_of_nothing_is_whole() {
    let mut none = result(vec![("x", Arc::new(Int64Array::from(Vec::<i64>::new())))]);
    assert_eq!(json(&none).unwrap(), br#"{"columns":[{"name":"x","type":"bigint"}],"rows":[]}"#);
    none.batches.clear();
    assert_eq!(json(&none).unwrap(), br#"{"columns":[{"name":"x","type":"bigint"}],"rows":[]}"#);
    assert_eq!(csv(&none).unwrap(), b"x\r\n");
}

#[test]
fn csv_is_as_rfc_4180_has_it() {
    let text = String::from_utf8(csv(&everything()).unwrap()).unwrap();
    let expected = "int,unsigned,double,bool,text,money,micros,nanos,date,binary,map,list,struct\r\n\
        9223372036854775807,18446744073709551615,0.1,true,\"a,\"\"b\"\"\nc\u{1b}\",0.00000020833375,\
        1970-01-01T00:00:00.000001Z,2025-11-21T03:04:05.123456789Z,2024-10-04,00ff,\
        \"{\"\"team\"\":\"\"a \\\"\"shop\\\"\"\"\",\"\"none\"\":null}\",\"[\"\"x\"\",null]\",\"{\"\"n\"\":1}\"\r\n\
        ,0,NaN,,\"\",-100000000000000,1969-12-31T23:59:59.999999Z,,,,,[],\"{\"\"n\"\":null}\"\r\n";
    assert_eq!(text, expected);
}

#[test]
fn arrow_ipc_reads_back() {
    let result = everything();
    let bytes = arrow_ipc(&result).unwrap();
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches, result.batches);
}

#[test]
fn tables_show_control_characters_and_send_none() {
    let text = table(&everything()).unwrap();
    assert!(text.contains("\\u{1b}"), "{text}");
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains("0.00000020833375"));
}
