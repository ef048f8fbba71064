//! Owns the rollup of `invocations`: counts, sums and sketches by minute, by hour, and groups of errors. It does not know
//! SQL (`crate::query`).

mod bytes;
mod message;
mod sketch;

pub use message::{SHAPE_CHARS, error_fingerprint, error_shape};
pub use sketch::{Bin, RELATIVE_ERROR, Sketch, SketchError};
