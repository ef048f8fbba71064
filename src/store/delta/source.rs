//! Owns how a table's file is read from storage: a local one a page at a time, so that memory does not grow with it, and any
//! other as a whole. What is in it is for others to read.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// A Parquet file that can be read.
pub(crate) enum Source {
    /// Is read as it is needed. Deleted meanwhile, it can still be read to its end.
    Local(File),
    /// Was read already.
    Whole(Bytes),
}

impl Source {
    /// Opens a file of the store.
    pub(crate) async fn open(store: &dyn ObjectStore, path: &Path) -> object_store::Result<Self> {
        let found = store.get(path).await?;
        match found.payload {
            GetResultPayload::File(file, _) => Ok(Self::Local(file)),
            GetResultPayload::Stream(_) => Ok(Self::Whole(found.bytes().await?)),
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => Length::len(file),
            Self::Whole(bytes) => Length::len(bytes),
        }
    }
}

impl ChunkReader for Source {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self {
            Self::Local(file) => Ok(Box::new(file.get_read(start)?)),
            Self::Whole(bytes) => Ok(Box::new(bytes.get_read(start)?)),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Local(file) => file.get_bytes(start, length),
            Self::Whole(bytes) => bytes.get_bytes(start, length),
        }
    }
}
