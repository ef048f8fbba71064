//! Owns HTTP on the main port: the functions' URLs, the API, health, metrics and the page at `/`. It runs nothing
//! itself: calls and deployments go to `crate::trigger`, data comes from `crate::query`.

mod access;
mod answer;
mod api;
mod body;
mod call;
mod config;
mod error;
mod exposition;
mod health;
mod metrics;
mod origin;
mod pages;
mod panel;
mod params;
mod report;
mod router;
mod serve;
mod settings;
mod state;
mod upload;

pub use access::{Action, Principal, Role};
pub use config::Config;
pub use serve::{Error, Service};
pub use settings::{Section, Setting, Settings, Value};
pub use state::{Parts, Readiness};

#[cfg(test)]
mod tests;
