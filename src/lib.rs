//! Faremeter: the meter for serverless functions. `app` joins the parts; ARCHITECTURE.md tells how data flows.

pub mod bus;
pub mod catalog;
pub mod clock;
pub mod cost;
pub mod demo;
pub mod model;
pub mod query;
pub mod runtime;
pub mod store;
pub mod trigger;
pub mod units;
pub mod web;
