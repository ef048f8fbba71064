//! One outgoing request.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

/// GETs `url`; "status N", or "error: " and the host's reason.
pub(crate) fn get(url: &str) -> String {
    match try_get(url) {
        Ok(status) => format!("status {status}"),
        Err(error) => format!("error: {error}"),
    }
}

fn try_get(url: &str) -> Result<u16, String> {
    let (scheme, rest) = url.split_once(':').ok_or("url without a scheme")?;
    let rest = rest.trim_start_matches('/');
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_string()),
    };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
    request.set_authority(Some(authority)).map_err(|()| "authority refused")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path refused")?;
    let response = outgoing_handler::handle(request, None).map_err(|error| error.to_string())?;
    response.subscribe().block();
    let response = response.get().ok_or("no answer after the wait")?.map_err(|()| "answer taken before")?;
    response.map(|response| response.status()).map_err(|error| error.to_string())
}
