//! The queries for what stands around panels: marks of new versions, and what filters may be set to.

use serde_json::{Value, json};

use super::tables::{Fixed, answer, attempt, params};
use crate::query::{Engine, Params};
use crate::store::Table;

const FROM: (&str, &str) = ("from", "2026-03-01T10:00:00Z");
const TO: (&str, &str) = ("to", "2026-03-01T12:00:00Z");

fn called(function: &str, version: &str, at: &str, other: &Value) -> Value {
    let mut changed = json!({"function": function, "version": version});
    changed.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    attempt(&format!("{function}-{version}-{at}"), &format!("2026-03-01T{at}Z"), &changed)
}

fn engine() -> Engine {
    let none = json!({});
    let rows = [
        called("shop", "1", "08:00:00", &none),
        called("shop", "2", "10:00:30", &none),
        called("shop", "3", "10:30:10", &none),
        called("shop", "1", "10:40:00", &none),
        called("shop", "3", "10:45:00", &none),
        called("shop", "4", "12:00:00", &none),
        called("mail", "7", "10:50:00", &none),
        called("mail", "8", "11:00:00", &json!({"region": "eu-west-1", "tenant": "acme"})),
        called("mail", "9", "11:10:00", &json!({"region": "eu-west-1", "tags": {"team": "post", "tier": "1"}})),
    ];
    Fixed::empty().with_rows(Table::Invocations, &rows).engine()
}

async fn marks(more: &[(&str, &str)]) -> Value {
    let mut given: Params = params([FROM, TO, ("step", "60")]);
    given.extend(more.iter().flat_map(|pair| params([*pair])));
    let rows = answer(&engine().named("deploy_markers", &given).await.unwrap());
    let pick = |row: &Value| json!([row["bucket"].as_str().unwrap()[11..16], row["function"], row["version"]]);
    rows.as_array().unwrap().iter().map(pick).collect()
}

#[tokio::test]
async fn a_version_is_marked_where_another_one_was_called_before() {
    let all = json!([["10:30", "shop", "3"], ["11:10", "mail", "9"]]);
    assert_eq!(marks(&[]).await, all, "not the first of a function, in the first step, again, or of another tenant");
    assert_eq!(marks(&[("function", "shop")]).await, json!([["10:30", "shop", "3"]]));
    assert_eq!(marks(&[("version", "9")]).await, json!([["11:10", "mail", "9"]]));
    assert_eq!(marks(&[("region", "eu-west-1")]).await, json!([]), "no other version was called there");
    assert_eq!(marks(&[("from", "2026-03-01T11:00:00Z")]).await, json!([["11:10", "mail", "9"]]));
}

#[tokio::test]
async fn filters_offer_what_was_called_in_the_range() {
    let rows = answer(&engine().named("filter_values", &params([FROM, TO])).await.unwrap());
    let pick = |row: &Value| json!([row["kind"], row["tenant"], row["function"], row["value"]]);
    let found: Value = rows.as_array().unwrap().iter().map(pick).collect();
    let expected = json!([
        ["region", "", "", "eu-west-1"],
        ["region", "", "", "us-east-1"],
        ["tag", "", "", "team:post"],
        ["tag", "", "", "team:shop"],
        ["tag", "", "", "tier:1"],
        ["tenant", "", "", "acme"],
        ["tenant", "", "", "default"],
        ["version", "acme", "mail", "8"],
        ["version", "default", "mail", "7"],
        ["version", "default", "mail", "9"],
        ["version", "default", "shop", "1"],
        ["version", "default", "shop", "2"],
        ["version", "default", "shop", "3"],
    ]);
    assert_eq!(found, expected);
}
