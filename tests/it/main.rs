//! Drives the real program as a user does: its commands, its HTTP interface, its data folder, and `kill -9`.
//! Each file here is one subject; `support` is what they share.

mod architecture;
mod aws_lambda;
mod bad_commands;
mod bad_requests;
mod bad_sql;
mod billing;
mod browser;
mod burst;
mod crash;
mod dashboards;
mod demo;
mod deployments;
mod egress;
mod exported_boards;
mod figures;
mod hostile;
mod limits;
mod line;
mod otlp;
mod otlp_sdk;
mod outcomes;
mod price;
mod prices;
mod reader;
mod refused_bodies;
mod reports;
mod restart;
mod streams;
mod support;
mod traces;
mod versions;
mod visible;
