//! The page at `/what-if`: what the calls of a time would have cost in another memory size, on another architecture, in another
//! region, by another provider, or in environments that stand ready. The bills are `billing`'s; this page lays them out.

mod bills;
mod provisioned;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::billing::{BreakEvenError, Candidate, Change, Filter, Scenario, WhatIf};
use crate::web::error::Problem;
use crate::web::outcome::{Choice, offered};
use crate::web::panel::window::{Filters, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::range::{self, Pair, Range};

use bills::{Offer, ShownBill, Tile};
use provisioned::Provisioned;

pub(super) const PATH: &str = "/what-if";
/// Memory that a function may be given, MB: what a container may have at most.
const MAX_MEMORY_MB: u32 = 1 << 20;

#[derive(Serialize)]
struct Page {
    range: Range,
    keep: String,
    filters: Filters,
    /// What the form keeps.
    kept: Vec<Pair>,
    asked: Asked,
    architectures: Vec<Choice>,
    regions: Vec<Choice>,
    books: Vec<Choice>,
    /// The page with nothing changed, where something is.
    clear: Option<String>,
    /// That filters are set which do not narrow this page.
    unused: Option<String>,
    /// What is changed, in words.
    changed: String,
    about: String,
    tiles: Vec<Tile>,
    bills: Vec<ShownBill>,
    notes: Vec<String>,
    providers: Vec<Offer>,
    sizes: Vec<Offer>,
    /// The page with every provider and memory size, where they are not there yet.
    more: Option<String>,
    provisioned: Option<Provisioned>,
    provisioned_error: Option<String>,
    error: Option<String>,
}

/// What the page's own part of the URL says; empty text is no change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Asked {
    memory: String,
    arch: String,
    priced_in: String,
    book: String,
    /// `no` leaves free allowances out.
    free: String,
    /// `all` prices every book and memory size too.
    show: String,
}

/// What if
#[utoipa::path(
    get,
    path = "/what-if",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 400, description = "What is to be changed is not understood", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn what_if(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let asked = Asked::read(&mut query)?;
    query.finish()?;
    let change = asked.change(&state)?;
    let filters = &window.url.filters;
    let named = |text: &String| (!text.is_empty()).then(|| text.clone());
    let usage = WhatIf {
        from: window.from,
        to: window.to,
        filter: Filter { tenant: named(&filters.tenant), function: named(&filters.function) },
        free_allowance: asked.free != "no",
    };
    let own = asked.pairs();
    let kept = range::beside(&window.url, &["tenant", "fn", "ver", "region", "tag"]);
    let link = |own: &[Pair]| {
        let controls = &window.url;
        let common: Vec<Pair> = range::range(controls).into_iter().chain(range::filters(controls)).collect();
        range::href(PATH, common.iter().chain(own))
    };
    let mut page = Page {
        keep: range::keep(&window.url),
        range: Range::of(PATH, &window, &own),
        filters: filters.clone(),
        kept,
        architectures: architectures(&asked),
        regions: regions(&state, &asked),
        books: books(&state, &asked),
        clear: (asked != Asked::default()).then(|| link(&[])),
        unused: unused(filters),
        changed: asked.in_words(&state),
        about: String::new(),
        tiles: Vec::new(),
        bills: Vec::new(),
        notes: Vec::new(),
        providers: Vec::new(),
        sizes: Vec::new(),
        more: (asked.show != "all").then(|| link(&Asked { show: "all".to_owned(), ..asked.clone() }.pairs())),
        provisioned: None,
        provisioned_error: None,
        error: None,
        asked,
    };
    if let Err(error) = page.fill(&state, &usage, &change, &link).await {
        page.error = Some(error.to_string());
    }
    page.replay(&state, &usage).await;
    state.pages.render(&state, "what_if.html", PATH, &page)
}

impl Page {
    /// Bills the calls as they were and with the change, and beside all others where that is asked for.
    async fn fill(
        &mut self,
        state: &AppState,
        usage: &WhatIf,
        change: &Change,
        link: &impl Fn(&[Pair]) -> String,
    ) -> Result<(), crate::billing::Error> {
        let mut again = state.billing.again();
        let before = again.scenario(usage, &Change::default()).await?;
        let is_changed = *change != Change::default();
        let after = if is_changed { Some(again.scenario(usage, change).await?) } else { None };
        self.about = bills::about(&before, usage);
        self.tiles = bills::tiles(&before, after.as_ref())?;
        self.notes = notes(&before, after.as_ref());
        self.bills = ShownBill::all(&before, if is_changed { "As it is" } else { "Bill" });
        if let Some(after) = &after {
            self.bills.extend(ShownBill::all(after, "Changed"));
        }
        if self.asked.show != "all" || before.records == 0 {
            return Ok(());
        }
        let by_book =
            |candidate: &Candidate| link(&Asked { book: candidate.value.clone(), ..self.asked.clone() }.pairs());
        let by_size =
            |candidate: &Candidate| link(&Asked { memory: candidate.value.clone(), ..self.asked.clone() }.pairs());
        let without_book = Change { book: None, ..change.clone() };
        let without_size = Change { memory_mb: None, ..change.clone() };
        let providers = again.on_every_book(usage, &without_book).await?;
        let sizes = again.in_every_size(usage, &without_size).await?;
        self.providers = bills::offers(&providers, &before, by_book)?;
        self.sizes = bills::offers(&sizes, &before, by_size)?;
        Ok(())
    }

    /// Replays the function's calls in environments that stand ready.
    async fn replay(&mut self, state: &AppState, usage: &WhatIf) {
        let Some(function) = &usage.filter.function else { return };
        let tenant = usage.filter.tenant.as_deref();
        let found = state.billing.break_even(function, tenant, usage.from, usage.to).await;
        match found.and_then(|found| Provisioned::of(function, &found)) {
            Ok(provisioned) => self.provisioned = Some(provisioned),
            Err(BreakEvenError::Nothing(reason)) => self.provisioned_error = Some(reason),
            Err(error) => self.provisioned_error = Some(format!("The calls could not be replayed: {error}")),
        }
    }
}

impl Asked {
    fn read(query: &mut QueryString) -> Result<Self, Problem> {
        let mut text = |name| query.text(name).map(Option::unwrap_or_default);
        let asked = Self {
            memory: text("memory")?,
            arch: text("arch")?,
            priced_in: text("priced_in")?,
            book: text("book")?,
            free: text("free")?,
            show: text("show")?,
        };
        let one_of = |name: &str, value: &str, word: &str| match value {
            "" => Ok(()),
            _ if value == word => Ok(()),
            _ => Err(Problem::invalid(format!("{name}={value}: it must be {word} or nothing"))),
        };
        one_of("free", &asked.free, "no")?;
        one_of("show", &asked.show, "all")?;
        Ok(asked)
    }

    fn change(&self, state: &AppState) -> Result<Change, Problem> {
        let named = |text: &String| (!text.is_empty()).then(|| text.clone());
        let memory_mb = match self.memory.trim() {
            "" => None,
            text => match text.parse::<u32>() {
                Ok(memory) if (1..=MAX_MEMORY_MB).contains(&memory) => Some(memory),
                _ => {
                    let detail = format!("memory={text}: write whole MB, 1 to {MAX_MEMORY_MB}");
                    return Err(Problem::invalid(detail));
                }
            },
        };
        let architecture = match self.arch.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| Problem::invalid(format!("arch={text}: {error}")))?),
        };
        if !self.book.is_empty() {
            state
                .billing
                .books()
                .get(&self.book)
                .map_err(|error| Problem::invalid(format!("book={}: {error}", self.book)))?;
        }
        Ok(Change { memory_mb, architecture, region: named(&self.priced_in), book: named(&self.book) })
    }

    /// What differs from nothing, for links.
    fn pairs(&self) -> Vec<Pair> {
        range::set([
            ("memory", &self.memory, ""),
            ("arch", &self.arch, ""),
            ("priced_in", &self.priced_in, ""),
            ("book", &self.book, ""),
            ("free", &self.free, ""),
            ("show", &self.show, ""),
        ])
    }

    /// `1,024 MB on arm64`; empty where nothing is changed.
    fn in_words(&self, state: &AppState) -> String {
        let mut words = Vec::new();
        if !self.memory.trim().is_empty() {
            words.push(format!("{} MB", self.memory.trim()));
        }
        if !self.arch.is_empty() {
            words.push(self.arch.clone());
        }
        if !self.priced_in.is_empty() {
            words.push(self.priced_in.clone());
        }
        if let Ok(book) = state.billing.books().get(&self.book) {
            words.push(book.name().to_owned());
        }
        words.join(", ")
    }
}

fn notes(before: &Scenario, after: Option<&Scenario>) -> Vec<String> {
    let mut notes: Vec<String> =
        before.notes.iter().chain(after.iter().flat_map(|after| &after.notes)).cloned().collect();
    notes.sort();
    notes.dedup();
    notes
}

/// Thousandths as percent with one decimal: `12.5 %`, `-0.3 %`.
fn percent(per_mille: i128) -> String {
    let (sign, size) = (if per_mille < 0 { "-" } else { "" }, per_mille.unsigned_abs());
    format!("{sign}{}.{} %", size / 10, size % 10)
}

/// Filters of other pages that do not narrow this one.
fn unused(filters: &Filters) -> Option<String> {
    let set = [("version", &filters.version), ("region", &filters.region), ("tag", &filters.tag)];
    let set: Vec<&str> = set.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| *name).collect();
    (!set.is_empty()).then(|| {
        format!("Calls of every {} are billed here: only function and tenant narrow a bill.", set.join(" and "))
    })
}

fn architectures(asked: &Asked) -> Vec<Choice> {
    let words = [("", "as it is"), ("x86_64", "x86_64"), ("arm64", "arm64")];
    offered(words.iter().map(|(value, title)| (*value, (*title).to_owned())), &asked.arch)
}

/// The regions that some book has prices of its own for.
fn regions(state: &AppState, asked: &Asked) -> Vec<Choice> {
    let at = state.clock.now();
    let mut regions: Vec<&str> = state.billing.books().all().flat_map(|book| book.priced_regions(at)).collect();
    regions.sort_unstable();
    regions.dedup();
    let known = regions.into_iter().map(|region| (region, region.to_owned()));
    offered(std::iter::once(("", "as it is".to_owned())).chain(known), &asked.priced_in)
}

fn books(state: &AppState, asked: &Asked) -> Vec<Choice> {
    let known = state.billing.books().all().map(|book| (book.id(), book.name().to_owned()));
    offered(std::iter::once(("", "as it is".to_owned())).chain(known), &asked.book)
}
