//! Faremeter: the meter for serverless functions. `app` joins the parts; ARCHITECTURE.md tells how data flows.

pub mod app;
pub mod billing;
pub mod bus;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cost;
pub mod dashboard;
pub mod demo;
pub mod forward;
pub mod ingest;
pub mod model;
pub mod query;
pub mod report;
pub mod runtime;
pub mod store;
pub mod telemetry;
pub mod trigger;
pub mod units;
pub mod web;
