//! What people look at: templates and the files that they need. Each page is a file of its own.

pub(super) mod assets;
mod format;
pub(super) mod home;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tera::{Context, Tera};

use super::Error;
use super::error::Problem;

use assets::Asset;

/// Templates and assets, part of the program.
pub(super) struct Pages {
    templates: Tera,
    pub(super) style: Asset,
    pub(super) icon: Asset,
}

/// What every page says around its own.
#[derive(Serialize)]
struct Frame<'a> {
    style: &'a str,
    icon: &'a str,
    version: &'static str,
}

impl Pages {
    pub(super) fn new() -> Result<Self, Error> {
        let mut templates = Tera::new();
        templates.add_raw_template("home.html", include_str!("templates/home.html"))?;
        Ok(Self {
            templates,
            style: Asset::new("faremeter", "css", "text/css; charset=utf-8", include_str!("assets/faremeter.css")),
            icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
        })
    }

    /// The page of this template; `view` is what it shows.
    fn render(&self, template: &str, view: &impl Serialize) -> Result<Response, Problem> {
        let frame = Frame { style: &self.style.path, icon: &self.icon.path, version: env!("CARGO_PKG_VERSION") };
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
