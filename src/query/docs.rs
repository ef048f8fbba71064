//! Tells which tables there are and what their columns mean, as their schemas say it. It reads no rows.

use arrow::datatypes::SchemaRef;
use datafusion::execution::session_state::SessionState;

use crate::store::{Rollup, Table};

use super::format::type_name;
use super::rollup::ROLLUP;
use super::{ColumnDoc, Error, failure};

/// The key of a column's doc in its field's metadata, as the store and Delta have it.
const COMMENT: &str = "comment";

/// A table as SQL sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDoc {
    /// Its name.
    pub name: String,
    /// Its columns, in order: of each its type, unit and meaning.
    pub columns: Vec<ColumnDoc>,
}

/// The columns of a table of the store with what they mean, which planning does without.
fn described(name: &str) -> Option<SchemaRef> {
    let table = Table::ALL.into_iter().find(|table| table.name() == name).map(Table::schema);
    let rollup = Rollup::ALL.into_iter().find(|rollup| rollup.name() == name).map(Rollup::schema);
    // `rollup` is the one of minutes or of hours that fits the query.
    table.or(rollup).or_else(|| (name == ROLLUP).then(|| Rollup::Minute.schema()))
}

/// The tables of a session, by name.
pub(super) async fn tables(state: &SessionState) -> Result<Vec<TableDoc>, Error> {
    let mut tables = Vec::new();
    let catalogs = state.catalog_list();
    let schemas = catalogs.catalog_names().into_iter().filter_map(|name| catalogs.catalog(&name));
    let schemas = schemas.flat_map(|catalog| {
        let names = catalog.schema_names();
        names.into_iter().filter_map(move |name| catalog.schema(&name))
    });
    for schema in schemas.collect::<Vec<_>>() {
        for name in schema.table_names() {
            let Some(table) = schema.table(&name).await.map_err(failure::of_datafusion)? else { continue };
            let schema = described(&name).unwrap_or_else(|| table.schema());
            let columns = schema.fields().iter().map(|field| {
                let kind = type_name(field.data_type());
                let doc = field.metadata().get(COMMENT).map_or(kind.clone(), |doc| format!("{kind}, {doc}"));
                ColumnDoc { name: field.name().clone(), doc }
            });
            tables.push(TableDoc { name, columns: columns.collect() });
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}
