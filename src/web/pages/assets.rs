//! Files that pages need, served at paths that name their content, so that browsers may keep them for good.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::web::api::ProblemBody;
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::state::AppState;

/// A file that is part of the program.
pub(in crate::web) struct Asset {
    /// Where it is served.
    pub(in crate::web) path: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    pub(super) fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{stem}.{digest}.{extension}"), media_type, content }
    }

    fn respond(&self, cache: &'static str) -> Response {
        let mut response = self.content.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

/// A file that a page needs
#[utoipa::path(
    get,
    path = "/assets/{file}",
    tag = "pages",
    params(("file" = String, Path, description = "A name with the digest of its content")),
    responses(
        (status = 200, description = "The file, which never changes"),
        (status = 404, description = "There is no such file", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn asset(
    State(state): State<Arc<AppState>>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let named = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(file.as_str());
    let asset = [&state.pages.style, &state.pages.icon].into_iter().find(named);
    let asset = asset.ok_or_else(|| Problem::new(NOT_FOUND, format!("there is no file '{file}'")))?;
    Ok(asset.respond("public, max-age=31536000, immutable"))
}

/// The icon
#[utoipa::path(get, path = "/favicon.svg", tag = "pages", responses((status = 200, description = "An SVG image")))]
pub(in crate::web) async fn favicon(State(state): State<Arc<AppState>>) -> Response {
    state.pages.icon.respond("public, max-age=86400")
}

/// The icon, for browsers that ask for it unasked
#[utoipa::path(get, path = "/favicon.ico", tag = "pages", responses((status = 200, description = "An SVG image")))]
pub(in crate::web) async fn favicon_ico(State(state): State<Arc<AppState>>) -> Response {
    state.pages.icon.respond("public, max-age=86400")
}
