//! Hands to SQL what the store does not hold: the catalog's versions and the account's limits. It does not run queries.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, MapBuilder, MapFieldNames, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;

use crate::catalog::{self, Catalog, Deployment};
use crate::query::{self, Column, Relation, column, optional};
use crate::{model::FunctionVersion, runtime};

/// The relations of a program with this catalog and these limits.
pub(super) fn all(catalog: &Catalog, limits: &runtime::Config) -> Vec<Relation> {
    let catalog = catalog.clone();
    let deployments = Relation::new("deployments", schema(deployments(&[])), move || {
        let catalog = catalog.clone();
        async move { Ok(arrays(deployments(&catalog.deployments().await.map_err(refused)?))) }
    });
    let (concurrency, rate) = (limits.account_concurrency, limits.account_rate_per_s);
    let row = move || account(concurrency, rate);
    let limits = Relation::new("limits", schema(row()), move || std::future::ready(Ok(arrays(row()))));
    vec![deployments, limits]
}

/// One row for each version.
fn deployments(rows: &[Deployment]) -> Vec<Column> {
    let texts = |get: fn(&FunctionVersion) -> &str| StringArray::from_iter_values(rows.iter().map(|r| get(&r.version)));
    let integers =
        |get: fn(&FunctionVersion) -> i64| Int64Array::from_iter_values(rows.iter().map(|r| get(&r.version)));
    let limits = |get: fn(&FunctionVersion) -> Option<u32>| {
        rows.iter().map(|r| get(&r.version).map(i64::from)).collect::<Int64Array>()
    };
    let numbers = StringArray::from_iter_values(rows.iter().map(|r| r.version.version.to_string()));
    let deployed = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.version.deployed_at.micros()));
    vec![
        column("tenant", "whom the function belongs to", texts(|v| &v.spec.tenant)),
        column("function", "the function's name", texts(|v| &v.spec.name)),
        column("version", "the version, as in invocations", numbers),
        column("state", "pending until it has compiled, then active, or failed where it cannot run", texts(state)),
        column("is_active", "whether calls run it", rows.iter().map(|r| Some(r.is_active)).collect::<BooleanArray>()),
        column("deployed_at", "when it was deployed, UTC", deployed.with_timezone("UTC")),
        column("architecture", "what it is billed as running on: x86_64 or arm64", texts(architecture)),
        column("memory_mb", "memory configured, MB of 2^20 bytes", integers(|v| v.spec.memory.0.into())),
        column("timeout_ms", "limit of init and handler together, ms", integers(timeout_ms)),
        column("ephemeral_storage_mb", "ephemeral storage configured, MB of 2^20 bytes", integers(storage_mb)),
        optional(
            "reserved_concurrency",
            "calls at once, at most, and set aside for it; null where it has no limit of its own",
            limits(|v| v.spec.reserved_concurrency),
        ),
        column("provisioned_concurrency", "environments started ahead of calls", integers(provisioned)),
        optional(
            "rate_per_s",
            "calls admitted a second, at most; null where it has no limit of its own",
            limits(|v| v.spec.rate_per_s),
        ),
        optional("tags", "tags for cost allocation", tags(rows)),
    ]
}

/// One row: what all functions share.
fn account(concurrency: u32, rate: Option<u32>) -> Vec<Column> {
    vec![
        column(
            "account_concurrency",
            "calls at once in the account, at most",
            Int64Array::from(vec![i64::from(concurrency)]),
        ),
        optional(
            "account_rate_per_s",
            "calls admitted a second in the account, at most; null where there is no limit",
            Int64Array::from(vec![rate.map(i64::from)]),
        ),
    ]
}

fn state(version: &FunctionVersion) -> &str {
    version.state.as_str()
}

fn architecture(version: &FunctionVersion) -> &str {
    version.spec.architecture.as_str()
}

fn timeout_ms(version: &FunctionVersion) -> i64 {
    i64::try_from(version.spec.timeout.as_millis()).unwrap_or(i64::MAX)
}

fn storage_mb(version: &FunctionVersion) -> i64 {
    version.spec.ephemeral_storage.0.into()
}

fn provisioned(version: &FunctionVersion) -> i64 {
    version.spec.provisioned_concurrency.into()
}

/// Maps of the type that the store's tables have, so that they can be compared.
fn tags(rows: &[Deployment]) -> impl Array + 'static {
    let names = MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in &row.version.spec.tags {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true).expect("there are as many keys as values");
    }
    maps.finish()
}

fn schema(columns: Vec<Column>) -> Arc<Schema> {
    Arc::new(Schema::new(columns.into_iter().map(|(field, _)| field).collect::<Vec<_>>()))
}

fn arrays(columns: Vec<Column>) -> Vec<ArrayRef> {
    columns.into_iter().map(|(_, values)| values).collect()
}

fn refused(error: catalog::Error) -> query::Error {
    match error {
        catalog::Error::TooManyVersions(_) => query::Error::Limit(error.to_string()),
        other => query::Error::Internal(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};

    use super::*;
    use crate::model::{Architecture, FunctionSpec, VersionState};
    use crate::store::Table;
    use crate::units::Timestamp;

    fn deployment(spec: FunctionSpec, version: u32, state: VersionState) -> Deployment {
        let is_active = state == VersionState::Active;
        let deployed_at = Timestamp::from_micros(1_790_000_000_000_000 + i64::from(version));
        let version = FunctionVersion { spec, version, sha256: String::new(), state, deployed_at };
        Deployment { version, is_active }
    }

    #[test]
    fn a_version_is_a_row_with_what_it_was_deployed_with() {
        let spec = FunctionSpec {
            architecture: Architecture::Arm64,
            reserved_concurrency: Some(3),
            rate_per_s: Some(50),
            provisioned_concurrency: 2,
            tags: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
            ..FunctionSpec::new("f")
        };
        let rows = [
            deployment(spec, 1, VersionState::Active),
            deployment(FunctionSpec::new("f"), 2, VersionState::Failed("no memory".to_owned())),
        ];
        let found: HashMap<String, ArrayRef> =
            deployments(&rows).into_iter().map(|(field, values)| (field.name().clone(), values)).collect();
        let texts = |name: &str| found[name].as_string::<i32>().iter().flatten().collect::<Vec<_>>();
        let integers = |name: &str| found[name].as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
        assert_eq!((texts("function"), texts("tenant")), (vec!["f"; 2], vec!["default"; 2]));
        assert_eq!((texts("version"), texts("state")), (vec!["1", "2"], vec!["active", "failed"]));
        assert_eq!(texts("architecture"), ["arm64", "x86_64"]);
        assert_eq!(found["is_active"].as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false)]);
        let times = found["deployed_at"].as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.values(), &[1_790_000_000_000_001, 1_790_000_000_000_002]);
        let sizes = ["memory_mb", "timeout_ms", "ephemeral_storage_mb", "provisioned_concurrency"].map(integers);
        assert_eq!(sizes.map(|column| column[0]), [Some(128), Some(3_000), Some(512), Some(2)]);
        assert_eq!(integers("reserved_concurrency"), [Some(3), None]);
        assert_eq!(integers("rate_per_s"), [Some(50), None]);
        let tags = found["tags"].as_map();
        assert_eq!((tags.value(0).len(), tags.value(1).len()), (1, 0));
        assert_eq!(tags.value(0).column(1).as_string::<i32>().value(0), "shop");
    }

    #[test]
    fn columns_have_docs_and_the_types_of_invocations() {
        let invocations = Table::Invocations.schema();
        let kind = |name: &str| invocations.field_with_name(name).expect("a column").data_type().clone();
        let own = schema(deployments(&[]));
        for name in ["tenant", "function", "version", "architecture", "memory_mb", "ephemeral_storage_mb", "tags"] {
            assert_eq!(*own.field_with_name(name).expect("a column").data_type(), kind(name), "{name}");
        }
        assert_eq!(*own.field_with_name("deployed_at").expect("a column").data_type(), kind("started_at"));
        let limits = schema(account(1, None));
        for field in own.fields().iter().chain(limits.fields()) {
            assert!(field.metadata().get("comment").is_some_and(|doc| doc.len() > 3), "{field}");
        }
        assert!(limits.fields().iter().all(|field| *field.data_type() == DataType::Int64));
    }
}
