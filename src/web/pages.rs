//! What people look at: templates and the files that they need. Each page is a file of its own.

pub(super) mod assets;
pub(super) mod board;
mod empty;
mod export;
mod format;
pub(super) mod functions;
pub(super) mod invocation;
pub(super) mod invocations;
pub(super) mod logs;
mod phases;
mod range;
pub(super) mod reports;
mod row;
pub(super) mod settings;
pub(super) mod sql;
pub(super) mod trace;
pub(super) mod traces;
pub(super) mod what_if;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tera::{Context, Tera};

use crate::dashboard::Dashboard;

use super::Error;
use super::error::Problem;
use super::state::AppState;

use assets::Asset;

/// Templates, each extending `base.html`.
const TEMPLATES: [(&str, &str); 16] = [
    ("base.html", include_str!("templates/base.html")),
    ("board.html", include_str!("templates/board.html")),
    ("empty.html", include_str!("templates/empty.html")),
    ("functions.html", include_str!("templates/functions.html")),
    ("invocation.html", include_str!("templates/invocation.html")),
    ("invocations.html", include_str!("templates/invocations.html")),
    ("logs.html", include_str!("templates/logs.html")),
    ("missing.html", include_str!("templates/missing.html")),
    ("range.html", include_str!("templates/range.html")),
    ("reports.html", include_str!("templates/reports.html")),
    ("settings.html", include_str!("templates/settings.html")),
    ("sql.html", include_str!("templates/sql.html")),
    ("trace.html", include_str!("templates/trace.html")),
    ("trace_missing.html", include_str!("templates/trace_missing.html")),
    ("traces.html", include_str!("templates/traces.html")),
    ("what_if.html", include_str!("templates/what_if.html")),
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
    /// Writes times in the browser's zone before they are drawn.
    pub(super) zone: Asset,
    pub(super) echarts: Asset,
    /// Modules of scripts, each after those that it takes from; `board` fills boards, `frame` is every page's.
    pub(super) modules: Vec<Asset>,
    /// How the pages beside the boards look.
    pub(super) pages_style: Asset,
    /// Modules of single pages, which take from the others.
    pub(super) scripts: Vec<(&'static str, Asset)>,
    /// Runs queries on the page of SQL.
    pub(super) sql: Asset,
}

/// The modules by name. A module may take only from those before it.
const MODULES: [(&str, &str); 19] = [
    ("dom", include_str!("assets/dom.js")),
    ("format", include_str!("assets/format.js")),
    ("state", include_str!("assets/state.js")),
    ("frame", include_str!("assets/frame.js")),
    ("colors", include_str!("assets/colors.js")),
    ("stream", include_str!("assets/stream.js")),
    ("plot", include_str!("assets/plot.js")),
    ("pointer", include_str!("assets/pointer.js")),
    ("legend", include_str!("assets/legend.js")),
    ("image", include_str!("assets/image.js")),
    ("rows", include_str!("assets/rows.js")),
    ("table", include_str!("assets/table.js")),
    ("stat", include_str!("assets/stat.js")),
    ("bars", include_str!("assets/bars.js")),
    ("series", include_str!("assets/series.js")),
    ("bins", include_str!("assets/bins.js")),
    ("panel", include_str!("assets/panel.js")),
    ("bar", include_str!("assets/bar.js")),
    ("board", include_str!("assets/board.js")),
];

/// The modules of single pages.
const SCRIPTS: [(&str, &str); 3] = [
    ("traces", include_str!("assets/traces.js")),
    ("trace", include_str!("assets/trace.js")),
    ("logs", include_str!("assets/logs.js")),
];

/// What every page says around its own.
#[derive(Serialize)]
struct Frame<'a> {
    style: &'a str,
    icon: &'a str,
    theme_script: &'a str,
    zone_script: &'a str,
    frame_script: &'a str,
    script: &'a str,
    /// What `script` takes from, for browsers to ask for at once.
    modules: Vec<&'a str>,
    echarts: &'a str,
    pages_style: &'a str,
    sql_script: &'a str,
    /// The scripts of pages beside the boards, by name.
    scripts: BTreeMap<&'static str, &'a str>,
    version: &'static str,
    navigation: Vec<Item<'a>>,
    /// The page's own path.
    path: &'a str,
    /// What is not up yet, each with how far it is.
    waiting: Vec<String>,
    /// What is wrong with edited boards, which are shown as they were.
    faults: Option<String>,
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
        let boards = state.boards.all();
        let frame = Frame {
            style: &assets.style.path,
            icon: &assets.icon.path,
            theme_script: &assets.theme.path,
            zone_script: &assets.zone.path,
            frame_script: assets.module("frame"),
            script: assets.module("board"),
            modules: assets.modules.iter().map(|module| module.path.as_str()).collect(),
            echarts: &assets.echarts.path,
            pages_style: &assets.pages_style.path,
            sql_script: &assets.sql.path,
            scripts: assets.scripts.iter().map(|(name, script)| (*name, script.path.as_str())).collect(),
            version: env!("CARGO_PKG_VERSION"),
            navigation: navigation(&boards),
            path,
            waiting: waiting.collect(),
            faults: state.boards.faults().map(|faults| faults.to_string()),
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

/// A count as people read it, whole and about.
pub(super) use format::{about, count};

/// What a page's script gets, as JSON that stands in the page: no `<` ends the element around it.
fn embedded(data: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_string(data).map_err(|error| Problem::internal(&error))?;
    Ok(json.replace('<', "\\u003c"))
}

/// Boards and pages in the order in which people look for them.
fn navigation(boards: &[Arc<Dashboard>]) -> Vec<Item<'_>> {
    let boards = boards.iter().filter(|board| board.listed);
    let mut items: Vec<Item> = boards.map(|board| Item { path: &board.path, title: &board.title }).collect();
    items.insert(items.len().min(1), Item { path: "/functions", title: "Functions" });
    let pages = [
        ("/reports", "Reports"),
        ("/what-if", "What if"),
        ("/traces", "Traces"),
        ("/logs", "Logs"),
        ("/invocations", "Invocations"),
        ("/sql", "SQL"),
        ("/settings", "Settings"),
    ];
    items.extend(pages.map(|(path, title)| Item { path, title }));
    items
}

impl Assets {
    fn new() -> Self {
        const STYLE: &str = "text/css; charset=utf-8";
        const SCRIPT: &str = "text/javascript; charset=utf-8";
        let mut modules = assets::linked(&[&MODULES[..], &SCRIPTS[..]].concat(), SCRIPT);
        let scripts = modules.split_off(MODULES.len());
        Self {
            style: Asset::new("faremeter", "css", STYLE, include_str!("assets/faremeter.css")),
            icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
            theme: assets::script("theme", SCRIPT, include_str!("assets/theme.js")),
            zone: assets::script("zone", SCRIPT, include_str!("assets/zone.js")),
            echarts: Asset::new("echarts", "js", SCRIPT, include_str!(concat!(env!("OUT_DIR"), "/echarts.min.js"))),
            modules,
            scripts: SCRIPTS.iter().map(|(name, _)| *name).zip(scripts).collect(),
            pages_style: Asset::new("pages", "css", STYLE, include_str!("assets/pages.css")),
            sql: assets::script("sql", SCRIPT, include_str!("assets/sql.js")),
        }
    }

    /// Where the module of this name is served.
    fn module(&self, name: &str) -> &str {
        let place = MODULES.iter().position(|(known, _)| *known == name);
        place.map_or("", |place| &self.modules[place].path)
    }

    /// The file at this path.
    fn at(&self, path: &str) -> Option<&Asset> {
        let single = [&self.style, &self.icon, &self.theme, &self.zone, &self.echarts, &self.pages_style, &self.sql];
        let scripts = self.scripts.iter().map(|(_, script)| script);
        single.into_iter().chain(&self.modules).chain(scripts).find(|asset| asset.path == path)
    }
}
