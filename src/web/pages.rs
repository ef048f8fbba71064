//! What people look at: templates and the files that they need. Each page is a file of its own.

pub(super) mod assets;
pub(super) mod board;
mod export;
mod format;
pub(super) mod functions;
pub(super) mod invocation;
pub(super) mod invocations;
mod phases;
mod range;
mod row;
pub(super) mod settings;
pub(super) mod sql;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tera::{Context, Tera};

use super::Error;
use super::error::Problem;
use super::state::AppState;

use assets::Asset;

/// Templates, each extending `base.html`.
const TEMPLATES: [(&str, &str); 9] = [
    ("base.html", include_str!("templates/base.html")),
    ("board.html", include_str!("templates/board.html")),
    ("functions.html", include_str!("templates/functions.html")),
    ("invocation.html", include_str!("templates/invocation.html")),
    ("invocations.html", include_str!("templates/invocations.html")),
    ("missing.html", include_str!("templates/missing.html")),
    ("range.html", include_str!("templates/range.html")),
    ("settings.html", include_str!("templates/settings.html")),
    ("sql.html", include_str!("templates/sql.html")),
];

/// Templates and assets, part of the program.
pub(super) struct Pages {
    templates: Tera,
    assets: Assets,
}

/// The files that pages need.
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) icon: Asset,
    /// Sets the theme before anything is drawn.
    pub(super) theme: Asset,
    /// Fills boards.
    pub(super) script: Asset,
    pub(super) echarts: Asset,
    /// How the pages beside the boards look.
    pub(super) pages_style: Asset,
    /// Runs queries on the page of SQL.
    pub(super) sql: Asset,
}

/// What every page says around its own.
#[derive(Serialize)]
struct Frame<'a> {
    style: &'a str,
    icon: &'a str,
    theme_script: &'a str,
    script: &'a str,
    echarts: &'a str,
    pages_style: &'a str,
    sql_script: &'a str,
    version: &'static str,
    navigation: Vec<Item<'a>>,
    /// The page's own path.
    path: &'a str,
    /// What is not up yet, each with how far it is.
    waiting: Vec<String>,
}

/// A place in the navigation.
#[derive(Serialize)]
struct Item<'a> {
    path: &'a str,
    title: &'a str,
}

impl Pages {
    pub(super) fn new() -> Result<Self, Error> {
        let mut templates = Tera::new();
        templates.add_raw_templates(TEMPLATES)?;
        Ok(Self { templates, assets: Assets::new() })
    }

    /// The files that pages need.
    pub(super) fn assets(&self) -> &Assets {
        &self.assets
    }

    /// The page of this template at `path`; `view` is what it shows.
    fn render(&self, state: &AppState, template: &str, path: &str, view: &impl Serialize) -> Result<Response, Problem> {
        let waiting = state.readiness.waiting().into_iter().map(|(step, progress)| format!("{step}: {progress}"));
        let assets = &self.assets;
        let frame = Frame {
            style: &assets.style.path,
            icon: &assets.icon.path,
            theme_script: &assets.theme.path,
            script: &assets.script.path,
            echarts: &assets.echarts.path,
            pages_style: &assets.pages_style.path,
            sql_script: &assets.sql.path,
            version: env!("CARGO_PKG_VERSION"),
            navigation: navigation(state),
            path,
            waiting: waiting.collect(),
        };
        let mut context = Context::new();
        context.insert("frame", &frame);
        context.insert("page", view);
        let html = self.templates.render(template, &context).map_err(|error| Problem::internal(&error))?;
        let mut response = html.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Boards and pages in the order in which people look for them.
fn navigation(state: &AppState) -> Vec<Item<'_>> {
    let boards = state.boards.iter().filter(|board| board.listed);
    let mut items: Vec<Item> = boards.map(|board| Item { path: &board.path, title: &board.title }).collect();
    items.insert(items.len().min(1), Item { path: "/functions", title: "Functions" });
    let pages = [("/invocations", "Invocations"), ("/sql", "SQL"), ("/settings", "Settings")];
    items.extend(pages.map(|(path, title)| Item { path, title }));
    items
}

impl Assets {
    fn new() -> Self {
        const STYLE: &str = "text/css; charset=utf-8";
        const SCRIPT: &str = "text/javascript; charset=utf-8";
        Self {
            style: Asset::new("faremeter", "css", STYLE, include_str!("assets/faremeter.css")),
            icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
            theme: Asset::new("theme", "js", SCRIPT, include_str!("assets/theme.js")),
            script: Asset::new("board", "js", SCRIPT, include_str!("assets/board.js")),
            echarts: Asset::new("echarts", "js", SCRIPT, include_str!(concat!(env!("OUT_DIR"), "/echarts.min.js"))),
            pages_style: Asset::new("pages", "css", STYLE, include_str!("assets/pages.css")),
            sql: Asset::new("sql", "js", SCRIPT, include_str!("assets/sql.js")),
        }
    }

    /// The file at this path.
    fn at(&self, path: &str) -> Option<&Asset> {
        let Self { style, icon, theme, script, echarts, pages_style, sql } = self;
        [style, icon, theme, script, echarts, pages_style, sql].into_iter().find(|asset| asset.path == path)
    }
}
