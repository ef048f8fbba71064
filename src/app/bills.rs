//! Joins what answers SQL with what rates months: each needs the other, the charges in SQL and SQL to count records.

use crate::billing::{self, Charges};
use crate::clock::Clock;
use crate::query::{self, Additions, Engine, Relation};
use crate::store;

/// Opens the charges, and starts SQL over the store, them, the price books and `relations`.
pub(super) async fn open(
    config: billing::Config,
    query: query::Config,
    mut relations: Vec<Relation>,
    store: &store::Handle,
    clock: &Clock,
) -> anyhow::Result<(Engine, billing::Service)> {
    let books = billing::read_books(config.books.as_deref())?;
    let charges = Charges::open(&config, store.object_store()).await?;
    relations.push(charges.relation());
    relations.extend(billing::price_tables(&books)?);
    let additions = Additions { relations, aggregates: vec![billing::break_even_aggregate(books.clone())] };
    let engine = Engine::start_with(query, store.clone(), additions)?;
    let parts = billing::Parts { engine: engine.clone(), store: store.clone(), charges, clock: clock.clone() };
    Ok((engine, billing::Service::new(config, books, parts)))
}
