//! Owns the agreement between a table in storage and what this program writes: creating it, adding the columns that are new,
//! allowing null where it was not allowed, setting the properties that keep its log short, and refusing what does not fit.

use arrow::datatypes::Schema;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, MetadataExt, StructField, StructType};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::config::TableProperty;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaResult, DeltaTableError};
use tracing::info;

use crate::store::tables::PARTITION;
use crate::store::{Error, Table};

/// Properties of a table, unless it has them set otherwise: commits of the log that a checkpoint holds are deleted after a
/// day, and so are marks of files that were taken out. A commit every ten seconds makes thousands of both in a day.
const PROPERTIES: [(TableProperty, &str); 2] = [
    (TableProperty::LogRetentionDuration, "interval 1 days"),
    (TableProperty::DeletedFileRetentionDuration, "interval 1 days"),
];

/// Opens the table or creates it, and brings it up to date.
pub(super) async fn open(table: Table, log_store: &LogStoreRef) -> Result<DeltaTableState, Error> {
    let delta = |error| Error::delta(table, error);
    let state = match DeltaTableState::try_new(log_store, None).await {
        Err(DeltaTableError::NotATable(_)) => create(table, log_store).await,
        opened => opened,
    };
    let state = state.map_err(delta)?;
    let found = state.snapshot().arrow_schema();
    let missing = missing_columns(table, &found)?;
    let relaxed = relaxed_columns(table, &found);
    let configured = state.metadata().configuration();
    if missing.is_empty()
        && relaxed.is_empty()
        && PROPERTIES.iter().all(|(key, _)| configured.contains_key(key.as_ref()))
    {
        return Ok(state);
    }
    update(table, log_store, &state, missing, &relaxed).await.map_err(delta)
}

async fn create(table: Table, log_store: &LogStoreRef) -> DeltaResult<DeltaTableState> {
    let schema: StructType = table.schema().as_ref().try_into_kernel()?;
    let mut create = CreateBuilder::new()
        .with_log_store(std::sync::Arc::clone(log_store))
        .with_table_name(table.name())
        .with_comment(table.doc())
        .with_columns(schema.fields().cloned())
        .with_partition_columns([PARTITION]);
    for (key, value) in PROPERTIES {
        create = create.with_configuration_property(key, Some(value));
    }
    create.await?.state.ok_or(DeltaTableError::NotInitialized)
}

/// One commit of metadata. Files that were written before hold nothing of the new columns, which is null to every reader.
async fn update(
    table: Table,
    log_store: &LogStoreRef,
    state: &DeltaTableState,
    missing: Vec<String>,
    relaxed: &[String],
) -> DeltaResult<DeltaTableState> {
    let ours: StructType = table.schema().as_ref().try_into_kernel()?;
    let theirs = state.schema();
    // What is there stays as it is, but for null being allowed; the order is ours.
    let merged = |field: &StructField| {
        let mut merged = theirs.field(field.name()).unwrap_or(field).clone();
        merged.nullable |= field.is_nullable();
        merged
    };
    let fields: Vec<StructField> = ours.fields().map(merged).collect();
    let added = fields.iter().filter(|field| missing.contains(field.name())).cloned().collect();
    let mut metadata = state.metadata().clone().with_schema(&StructType::try_new(fields)?)?;
    for (key, value) in PROPERTIES {
        if !metadata.configuration().contains_key(key.as_ref()) {
            metadata = metadata.add_config_key(key.as_ref().to_owned(), value.to_owned())?;
        }
    }
    let operation = DeltaOperation::AddColumn { fields: added };
    CommitBuilder::from(CommitProperties::default().with_max_retries(0))
        .with_actions(vec![Action::Metadata(metadata)])
        .build(Some(state), std::sync::Arc::clone(log_store), operation)
        .await?;
    info!(
        table = table.name(),
        columns = missing.join(", "),
        nullable = relaxed.join(", "),
        "brought the table up to date"
    );
    DeltaTableState::try_new(log_store, None).await
}

/// Columns of the table that may not be null there, and may be null in what we write. Files that were written before hold no
/// null in them.
fn relaxed_columns(table: Table, found: &Schema) -> Vec<String> {
    let ours = table.schema();
    let strict = |name: &str| found.field_with_name(name).is_ok_and(|field| !field.is_nullable());
    let relaxed = ours.fields().iter().filter(|field| field.is_nullable() && strict(field.name()));
    relaxed.map(|field| field.name().clone()).collect()
}

/// Our columns that the table has not: all nullable. A table that differs otherwise is refused, rather than written files
/// that do not fit.
fn missing_columns(table: Table, found: &Schema) -> Result<Vec<String>, Error> {
    let ours = table.schema();
    let differs = |reason: String| Err(Error::Schema { table, reason });
    let mut missing = Vec::new();
    for field in ours.fields() {
        match found.field_with_name(field.name()) {
            Err(_) if field.is_nullable() => missing.push(field.name().clone()),
            Err(_) => return differs(format!("it has no column {}", field.name())),
            Ok(other) if !other.data_type().equals_datatype(field.data_type()) => {
                return differs(format!("{} is {} and not {}", field.name(), other.data_type(), field.data_type()));
            }
            Ok(_) => {}
        }
    }
    match found.fields().iter().find(|field| ours.field_with_name(field.name()).is_err()) {
        Some(unknown) => differs(format!("it has an unknown column {}", unknown.name())),
        None => Ok(missing),
    }
}
