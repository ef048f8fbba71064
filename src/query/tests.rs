//! Tests of the engine over fixed tables: Parquet files in memory, and rows beside them.

mod boards;
mod filters;
mod index;
mod limits;
mod measure;
mod measure_rollup;
mod pages;
mod queries;
mod reading;
mod refusals;
mod relations;
mod rollup;
mod sketch;
mod store;
mod tables;
