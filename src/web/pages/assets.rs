//! Files that pages need, served at paths that name their content, so that browsers may keep them for good.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, VARY};
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
    /// The content compressed, once somebody asked for it.
    gzipped: OnceLock<Bytes>,
}

impl Asset {
    pub(super) fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{stem}.{digest}.{extension}"), media_type, content, gzipped: OnceLock::new() }
    }

    fn respond(&self, accepted: &HeaderMap, cache: &'static str) -> Response {
        let takes_gzip = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("gzip"));
        let mut response = if accepted.get_all(ACCEPT_ENCODING).iter().any(takes_gzip) {
            let mut response = self.gzipped.get_or_init(|| gzip(self.content)).clone().into_response();
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            self.content.into_response()
        };
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

fn gzip(content: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content.as_bytes()).and_then(|()| encoder.finish());
    written.expect("it is written to memory").into()
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
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = state.pages.assets().at(&format!("/assets/{file}"));
    let asset = asset.ok_or_else(|| Problem::new(NOT_FOUND, format!("there is no file '{file}'")))?;
    Ok(asset.respond(&headers, "public, max-age=31536000, immutable"))
}

/// The icon
#[utoipa::path(get, path = "/favicon.svg", tag = "pages", responses((status = 200, description = "An SVG image")))]
pub(in crate::web) async fn favicon(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    state.pages.assets().icon.respond(&headers, "public, max-age=86400")
}

/// The icon, for browsers that ask for it unasked
#[utoipa::path(get, path = "/favicon.ico", tag = "pages", responses((status = 200, description = "An SVG image")))]
pub(in crate::web) async fn favicon_ico(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    state.pages.assets().icon.respond(&headers, "public, max-age=86400")
}
