//! The page at `/functions`: every function with its limits and what it did in the range, sorted and paged by the URL.
//! A function's own page is a board.

mod entry;
mod spark;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use http::header::{HOST, HeaderMap};
use serde::Serialize;

use crate::web::error::Problem;
use crate::web::panel::window::{Filters, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::range::{self, Pair, Range};
use super::row;

use entry::{Entry, Sort};

const PATH: &str = "/functions";
/// Functions on a page.
const ON_PAGE: usize = 50;

#[derive(Serialize)]
struct Page {
    range: Range,
    /// What links to other pages take along.
    keep: String,
    /// The name that the browser knows this server by.
    server: String,
    /// What is searched for.
    search: String,
    /// What the search keeps.
    kept: Vec<Pair>,
    columns: Vec<Column>,
    functions: Vec<entry::Shown>,
    /// Functions on all pages.
    count: usize,
    first: usize,
    last: usize,
    before: Option<String>,
    after: Option<String>,
    /// Whether there is any function at all, shown or not.
    any: bool,
    /// The page without search and filters.
    clear: String,
    error: Option<String>,
}

/// A heading that sorts.
#[derive(Serialize)]
struct Column {
    title: &'static str,
    about: &'static str,
    number: bool,
    href: String,
    /// `ascending` or `descending` where the page is sorted by it.
    sorted: Option<&'static str>,
}

/// What the page's own part of the URL says.
struct Asked {
    search: String,
    sort: Sort,
    descending: bool,
    page: usize,
}

/// The functions
#[utoipa::path(get, path = "/functions", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn functions(
    State(state): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let mut asked = Asked::read(&mut query)?;
    query.finish()?;
    let (figures, error) = row::rows(state.query.named("functions_page", &window.params()).await);
    let mut entries = entry::all(&state.deployer.list(None, usize::MAX), &figures, &window.url.filters);
    let any = !entries.is_empty();
    let wanted = asked.search.to_lowercase();
    entries.retain(|entry| entry.matches(&wanted));
    entry::sort(&mut entries, asked.sort, asked.descending);
    let count = entries.len();
    asked.page = asked.page.min(count.div_ceil(ON_PAGE)).max(1);
    let first = (asked.page - 1) * ON_PAGE;
    let shown: Vec<Entry> = entries.into_iter().skip(first).take(ON_PAGE).collect();
    let lines = spark::lines(&state, &window, &shown).await;
    let controls = &window.url;
    let common: Vec<Pair> = range::range(controls).into_iter().chain(range::filters(controls)).collect();
    let last = first + shown.len();
    let page = Page {
        keep: range::keep(controls),
        range: Range::of(PATH, &window, &asked.pairs()),
        server: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned(),
        kept: common.iter().cloned().chain(asked.order()).collect(),
        columns: columns(&asked, &common),
        functions: shown.iter().map(|entry| entry.shown(&common, spark::line_of(&lines, entry))).collect(),
        count,
        first: first + usize::from(count > 0),
        last,
        before: (first > 0).then(|| asked.link(&common, asked.page - 1)),
        after: (last < count).then(|| asked.link(&common, asked.page + 1)),
        any: any || controls.filters != Filters::default(),
        clear: range::href(PATH, &range::range(controls)),
        search: asked.search,
        error,
    };
    state.pages.render(&state, "functions.html", PATH, &page)
}

impl Asked {
    fn read(query: &mut QueryString) -> Result<Self, Problem> {
        let search = query.text("q")?.unwrap_or_default();
        let sort = query.read_with("sort", Sort::read)?.unwrap_or(Sort::Calls);
        let descending = match query.text("dir")?.as_deref() {
            None => sort.is_number(),
            Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(Problem::invalid(format!("dir={other}: it must be asc or desc"))),
        };
        let page = query.read::<usize>("page")?.unwrap_or(1);
        if page == 0 {
            return Err(Problem::invalid("page=0: pages are counted from 1"));
        }
        Ok(Self { search, sort, descending, page })
    }

    fn pairs(&self) -> Vec<Pair> {
        range::set([("q", &self.search, "")]).into_iter().chain(self.order()).collect()
    }

    /// The order, where it is not the usual one.
    fn order(&self) -> Vec<Pair> {
        let usual = self.sort == Sort::Calls && self.descending;
        if usual { Vec::new() } else { order(self.sort, self.descending) }
    }

    fn link(&self, common: &[Pair], page: usize) -> String {
        let page = (page > 1).then(|| ("page", page.to_string()));
        range::href(PATH, common.iter().chain(&self.pairs()).chain(&page))
    }
}

fn order(sort: Sort, descending: bool) -> Vec<Pair> {
    let direction = if descending { "desc" } else { "asc" };
    vec![("sort", sort.as_str().to_owned()), ("dir", direction.to_owned())]
}

fn columns(asked: &Asked, common: &[Pair]) -> Vec<Column> {
    let search = range::set([("q", &asked.search, "")]);
    let column = |sort: Sort| {
        let sorted = asked.sort == sort;
        let descending = if sorted { !asked.descending } else { sort.is_number() };
        Column {
            title: sort.title(),
            about: sort.about(),
            number: sort.is_number(),
            href: range::href(PATH, common.iter().chain(&search).chain(&order(sort, descending))),
            sorted: sorted.then_some(if asked.descending { "descending" } else { "ascending" }),
        }
    };
    Sort::ALL.into_iter().map(column).collect()
}
