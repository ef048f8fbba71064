//! Files that pages need, served at paths that name their content, so that browsers may keep them for good.

use std::borrow::Cow;
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
    content: Cow<'static, str>,
    /// The content compressed, once somebody asked for it.
    gzipped: OnceLock<Bytes>,
}

impl Asset {
    pub(super) fn new(
        stem: &str,
        extension: &str,
        media_type: &'static str,
        content: impl Into<Cow<'static, str>>,
    ) -> Self {
        let content = content.into();
        let digest: String =
            Sha256::digest(content.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{stem}.{digest}.{extension}"), media_type, content, gzipped: OnceLock::new() }
    }

    fn respond(&self, accepted: &HeaderMap, cache: &'static str) -> Response {
        let takes_gzip = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("gzip"));
        let mut response = if accepted.get_all(ACCEPT_ENCODING).iter().any(takes_gzip) {
            let mut response = self.gzipped.get_or_init(|| gzip(&self.content)).clone().into_response();
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            self.content.clone().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

/// Modules by name, each after those that it takes from: `"./name.js"` becomes the path at which that module is served, so
/// that a change in one changes the names of all that take from it.
pub(super) fn linked(modules: &[(&str, &str)], media_type: &'static str) -> Vec<Asset> {
    let mut linked: Vec<(String, Asset)> = Vec::new();
    for (name, text) in modules {
        let mut text = without_comments(text);
        for (known, asset) in &linked {
            text = text.replace(&format!("\"./{known}.js\""), &format!("\"{}\"", asset.path));
        }
        linked.push(((*name).to_owned(), Asset::new(name, "js", media_type, text)));
    }
    linked.into_iter().map(|(_, asset)| asset).collect()
}

/// A script that takes from no other.
pub(super) fn script(stem: &str, media_type: &'static str, text: &str) -> Asset {
    Asset::new(stem, "js", media_type, without_comments(text))
}

/// The script without indentation and without comments that have lines of their own: readers have the repository.
fn without_comments(text: &str) -> String {
    let mut is_comment = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_start) {
        is_comment |= line.starts_with("/*");
        if !is_comment && !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
        is_comment &= !line.trim_end().ends_with("*/");
    }
    kept
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_name_each_other_by_content() {
        let first = [
            ("a", "// Why.\nexport const a = 1;\n"),
            ("b", "import { a } from \"./a.js\";\n/**\n * What.\n */\n  a();\n"),
        ];
        let linked_once = linked(&first, "text/javascript");
        assert_eq!(linked_once[0].content, "export const a = 1;\n");
        assert_eq!(linked_once[1].content, format!("import {{ a }} from \"{}\";\na();\n", linked_once[0].path));
        let changed = linked(&[("a", "export const a = 2;"), first[1]], "text/javascript");
        assert_ne!(changed[1].path, linked_once[1].path, "a module is another when what it takes from is");
    }
}
