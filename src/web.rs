//! Owns HTTP on the main port: the functions' URLs, the API, health, metrics and the page at `/`; and OTLP on its ports. It
//! runs nothing itself: calls and deployments go to `crate::trigger`, telemetry to `crate::ingest`, data comes from
//! `crate::query`.

mod access;
mod answer;
mod api;
mod body;
mod call;
mod config;
mod drain;
mod error;
mod exposition;
mod health;
mod logs;
mod metrics;
mod origin;
mod otlp;
mod outcome;
mod pages;
mod panel;
mod params;
mod report;
mod reports;
mod router;
mod rows;
mod serve;
mod settings;
mod state;
mod traces;
mod upload;

pub use access::{Action, Principal, Role};
pub use config::{Config, Listen};
pub use serve::{Error, OtlpAddresses, Service};
pub use settings::{Section, Setting, Settings, Value};
pub use state::{Parts, Readiness};

#[cfg(test)]
mod tests;
