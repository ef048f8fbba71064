//! Writes boards as other programs have them: Grafana and Perses. Pure: a board and its queries in, JSON out. What works after
//! the import and what does not is told in docs/dashboards.md.

mod flow;
mod grafana;
mod perses;

pub use grafana::write as grafana;
pub use perses::write as perses;
