//! Finds which files, and which row groups of them, may hold rows of an id or an outcome that a query asks for, by the bloom
//! filters in the files. They are kept in memory: opening each file of a month to look into its filters costs more than finding
//! the rows. What a filter lets pass by chance is left to the plan.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use futures::{StreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::bloom_filter::Sbbf;

use crate::store::{self, DataFile, FILTERED_COLUMNS, Table};

use super::kept::Kept;
use super::part::Part;

/// Files whose filters are read at the same time.
const READS: usize = 8;

/// The filters that are kept.
#[derive(Debug)]
pub(super) struct Blooms {
    kept: Kept<Key, Arc<Filters>>,
}

/// A file, and the column of it.
type Key = (Path, &'static str);

/// The filter of each of a file's row groups; none where it has none.
type Filters = Vec<Option<Sbbf>>;

impl Blooms {
    /// Keeps so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Kept::new(limit) }
    }

    /// Of the files those parts that may hold rows for which all `filters` are true. Where filters cannot be read the file is
    /// a part as a whole: who reads its rows tells what is wrong.
    pub(super) async fn parts<'a>(
        &self,
        table: Table,
        store: &Arc<dyn ObjectStore>,
        files: Vec<&'a DataFile>,
        filters: &[Expr],
    ) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = files.into_iter().map(Part::whole).collect();
        for (column, values) in filters.iter().filter_map(wanted) {
            let looks: Vec<_> =
                parts.iter().map(|part| self.get(table, store, (part.file.path.clone(), column))).collect();
            let found: Vec<_> = stream::iter(looks).buffered(READS).collect().await;
            parts = parts.into_iter().zip(found).filter_map(|(part, found)| left(part, found.ok(), &values)).collect();
        }
        parts
    }

    /// Two that ask at once may both read.
    async fn get(&self, table: Table, store: &Arc<dyn ObjectStore>, key: Key) -> Result<Arc<Filters>, store::Error> {
        if let Some(known) = self.kept.get(&key) {
            return Ok(known);
        }
        let filters = Arc::new(store::blooms(table, store, &key.0, key.1).await?);
        let bytes = filters.iter().map(bytes_of).sum::<usize>() + key.0.as_ref().len();
        self.kept.put(key, Arc::clone(&filters), bytes);
        Ok(filters)
    }
}

fn bytes_of(filter: &Option<Sbbf>) -> usize {
    const BLOCK_BYTES: usize = 32;
    size_of::<Option<Sbbf>>() + filter.as_ref().map_or(0, |filter| filter.num_blocks() * BLOCK_BYTES)
}

/// What is left of a part: none where its filters say that it has none of the values.
fn left<'a>(part: Part<'a>, filters: Option<Arc<Filters>>, values: &[&str]) -> Option<Part<'a>> {
    let Some(filters) = filters else { return Some(part) };
    let Part { file, groups, rows } = part;
    let mut groups = groups.unwrap_or_else(|| ParquetAccessPlan::new_all(filters.len()));
    for (at, filter) in filters.iter().enumerate() {
        if filter.as_ref().is_some_and(|filter| !values.iter().any(|value| filter.check(*value))) {
            groups.skip(at);
        }
    }
    let is_read = (0..groups.len()).any(|at| groups.should_scan(at));
    is_read.then_some(Part { file, groups: Some(groups), rows })
}

/// The column that has filters, and the values of which a row has one where `filter` is true; none where that is not said.
fn wanted(filter: &Expr) -> Option<(&'static str, Vec<&str>)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (column, value) = (filtered(left).zip(text(right))).or_else(|| filtered(right).zip(text(left)))?;
            Some((column, vec![value]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let ((column, mut values), (other, more)) = (wanted(left)?, wanted(right)?);
            values.extend(more);
            (column == other).then_some((column, values))
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            Some((filtered(expr)?, list.iter().map(text).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn filtered(expr: &Expr) -> Option<&'static str> {
    let Expr::Column(column) = expr else { return None };
    FILTERED_COLUMNS.into_iter().find(|name| *name == column.name)
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text), _) => {
            text.as_deref()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use arrow::record_batch::RecordBatch;
    use datafusion::prelude::{col, lit};
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// A file with a row group for each id.
    async fn put(store: &InMemory, name: &str, ids: &[&str]) -> DataFile {
        let column = Arc::new(StringArray::from(ids.to_vec())) as ArrayRef;
        let rows = RecordBatch::try_from_iter([("trace_id", column)]).unwrap();
        let properties =
            WriterProperties::builder().set_bloom_filter_enabled(true).set_max_row_group_row_count(Some(1)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        let bytes = writer.into_inner().unwrap();
        let file = DataFile {
            path: Path::from(name),
            bytes: bytes.len() as u64,
            rows: ids.len() as u64,
            date: 0,
            bounds: Vec::new(),
        };
        store.put(&file.path, bytes.into()).await.unwrap();
        file
    }

    async fn found(filters: &Blooms, store: &Arc<dyn ObjectStore>, files: &[DataFile], asked: &[Expr]) -> String {
        let parts = filters.parts(Table::Spans, store, files.iter().collect(), asked).await;
        let part = |part: &Part<'_>| {
            let groups = part.groups.as_ref().map(ParquetAccessPlan::row_group_indexes);
            format!("{}{groups:?}", part.file.path)
        };
        parts.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    #[tokio::test]
    async fn files_and_row_groups_without_the_id_are_left_out() {
        let memory = InMemory::new();
        let files = [put(&memory, "a", &["1", "2", "3"]).await, put(&memory, "b", &["3", "4"]).await];
        let store: Arc<dyn ObjectStore> = Arc::new(memory);
        let filters = Blooms::new(1 << 20);
        let id = || col("trace_id");
        for (asked, expected) in [
            (id().eq(lit("2")), "aSome([1])"),
            (lit("3").eq(id()), "aSome([2]) bSome([0])"),
            (id().eq(lit("1")).or(id().eq(lit("4"))), "aSome([0]) bSome([1])"),
            (id().in_list(vec![lit("4"), lit("5")], false), "bSome([1])"),
            (id().eq(lit("9")), ""),
            (id().in_list(vec![lit("4")], true), "aNone bNone"),
            (id().not_eq(lit("4")), "aNone bNone"),
            (id().eq(lit("1")).or(col("name").eq(lit("4"))), "aNone bNone"),
            (col("name").eq(lit("4")), "aNone bNone"),
        ] {
            assert_eq!(found(&filters, &store, &files, std::slice::from_ref(&asked)).await, expected, "{asked}");
        }
        let both = [id().in_list(vec![lit("1"), lit("3")], false), id().eq(lit("3"))];
        assert_eq!(found(&filters, &store, &files, &both).await, "aSome([2]) bSome([0])");
    }

    #[tokio::test]
    async fn filters_are_read_once_and_kept_within_the_limit() {
        let memory = InMemory::new();
        let files = [put(&memory, "a", &["1"]).await, put(&memory, "b", &["2"]).await];
        let store: Arc<dyn ObjectStore> = Arc::new(memory);
        let filters = Blooms::new(1 << 20);
        let asked = [col("trace_id").eq(lit("2"))];
        assert_eq!(found(&filters, &store, &files, &asked).await, "bSome([0])");
        let (columns, kept) = filters.kept.size();
        assert!(kept > 0 && columns == 2);
        // A file that is gone is a part of the plan as a whole, unless its filters are known.
        for file in &files {
            store.delete(&file.path).await.unwrap();
        }
        assert_eq!(found(&filters, &store, &files, &asked).await, "bSome([0])");
        assert_eq!(found(&Blooms::new(1 << 20), &store, &files, &asked).await, "aNone bNone");
        let memory = InMemory::new();
        let files = [put(&memory, "a", &["1"]).await, put(&memory, "b", &["2"]).await];
        let store: Arc<dyn ObjectStore> = Arc::new(memory);
        let filters = Blooms::new(kept * 3 / 4);
        assert_eq!(found(&filters, &store, &files, &asked).await, "bSome([0])");
        let (columns, bytes) = filters.kept.size();
        assert!(bytes <= kept * 3 / 4 && columns == 1);
    }
}
