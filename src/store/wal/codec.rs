//! Owns the payload of a frame: rows of up to four tables as Arrow IPC record batches. Lengths and checksums around it are
//! `frame`'s.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::new_null_array;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow::ipc::{CompressionType, MetadataVersion, root_as_message};
use arrow::record_batch::RecordBatch;

use crate::store::Table;
use crate::store::tables::Rows;

/// Batches of so many rows are compressed with LZ4: it costs less than writing four times the bytes. For smaller ones it
/// costs more.
const COMPRESSED_ROWS: usize = 512;

/// Encodes rows; keeps its buffers between calls.
pub(super) struct Encoder {
    generator: IpcDataGenerator,
    plain: IpcWriteOptions,
    compressed: IpcWriteOptions,
    dictionaries: DictionaryTracker,
    context: IpcWriteContext,
}

impl Encoder {
    pub(super) fn new() -> Result<Self, ArrowError> {
        // An alignment of 8 keeps frames of one row small; readers copy what needs more.
        let plain = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?;
        Ok(Self {
            generator: IpcDataGenerator::default(),
            compressed: plain.clone().try_with_compression(Some(CompressionType::LZ4_FRAME))?,
            plain,
            dictionaries: DictionaryTracker::new(false),
            context: IpcWriteContext::default(),
        })
    }

    /// Appends the rows to `out`: for each table that has any, its number, two lengths, IPC message, IPC body. Returns about
    /// how many bytes the rows take in memory.
    pub(super) fn encode(&mut self, rows: &Rows, out: &mut Vec<u8>) -> Result<u64, ArrowError> {
        let mut bytes = 0;
        for (table, batch) in Table::ALL.into_iter().zip(rows) {
            let Some(batch) = batch else { continue };
            let large = batch.num_rows() >= COMPRESSED_ROWS;
            let options = if large { &self.compressed } else { &self.plain };
            let (_, encoded) = self.generator.encode(batch, &mut self.dictionaries, options, &mut self.context)?;
            let plain_bytes = || encoded.ipc_message.len() + encoded.arrow_data.len();
            bytes += if large { batch.get_array_memory_size() } else { plain_bytes() };
            out.extend(u32_of(table.index())?.to_le_bytes());
            out.extend(u32_of(encoded.ipc_message.len())?.to_le_bytes());
            out.extend(u32_of(encoded.arrow_data.len())?.to_le_bytes());
            out.extend(&encoded.ipc_message);
            out.extend(&encoded.arrow_data);
        }
        Ok(bytes as u64)
    }

    /// A schema as an IPC message.
    pub(super) fn schema(&mut self, schema: &Schema) -> Vec<u8> {
        let mut dictionaries = DictionaryTracker::new(false);
        self.generator.schema_to_bytes_with_dictionary_tracker(schema, &mut dictionaries, &self.plain).ipc_message
    }
}

/// Reads a schema that `Encoder::schema` wrote.
pub(super) fn decode_schema(message: &[u8]) -> Result<SchemaRef, ArrowError> {
    let malformed = |what: String| ArrowError::IpcError(what);
    let message = root_as_message(message).map_err(|error| malformed(error.to_string()))?;
    let schema = message.header_as_schema().ok_or_else(|| malformed("the message is no schema".to_owned()))?;
    Ok(Arc::new(arrow::ipc::convert::fb_to_schema(schema)))
}

/// Reads what `Encoder::encode` wrote with these schemas, and gives it the tables' schemas of today.
pub(super) fn decode(mut payload: &[u8], schemas: &[SchemaRef; 4]) -> Result<Rows, ArrowError> {
    let mut rows = Rows::default();
    while !payload.is_empty() {
        let table = take_u32(&mut payload)?;
        let table = Table::ALL.get(table).copied().ok_or_else(|| ArrowError::IpcError(format!("no table {table}")))?;
        let (message, body) = (take_u32(&mut payload)?, take_u32(&mut payload)?);
        let (message, body) = (take(&mut payload, message)?, take(&mut payload, body)?);
        let message = root_as_message(message).map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let header = message
            .header_as_record_batch()
            .ok_or_else(|| ArrowError::IpcError("the message is no record batch".to_owned()))?;
        let schema = Arc::clone(&schemas[table.index()]);
        let version = message.version();
        let batch = read_record_batch(&Buffer::from(body), header, schema, &HashMap::new(), None, &version)?;
        rows[table.index()] = Some(adapt(&batch, &table.schema())?);
    }
    Ok(rows)
}

/// Gives rows of an older program the schema of today: columns by name, new ones null.
fn adapt(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |name: &str, data_type| {
        batch.column_by_name(name).map_or_else(|| new_null_array(data_type, batch.num_rows()), Arc::clone)
    };
    let columns = schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
}

fn u32_of(length: usize) -> Result<u32, ArrowError> {
    u32::try_from(length).map_err(|_| ArrowError::IpcError(format!("a frame cannot hold {length} bytes")))
}

fn take_u32(from: &mut &[u8]) -> Result<usize, ArrowError> {
    let bytes = take(from, 4)?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], ArrowError> {
    let short = || ArrowError::IpcError(format!("{length} bytes are announced and {} left", from.len()));
    let (taken, rest) = from.split_at_checked(length).ok_or_else(short)?;
    *from = rest;
    Ok(taken)
}
