//! Takes in what is left of a body that nobody read. Closing a connection on which bytes are still unread resets it, and a
//! client that was sending then loses the answer that said why. So the answer goes out at once, and the rest of the body is
//! taken in beside it, within limits. HTTP/1 alone needs it: a stream of HTTP/2 ends by itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::Version;
use http::header::EXPECT;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;

use super::state::AppState;

/// A request's body that is taken in to its end, whoever drops it.
struct Drained {
    /// None once it has ended or failed.
    body: Option<Body>,
    /// Whether the client sends nothing before it is asked to: who answers without asking has nothing to take in.
    waits: bool,
    state: Arc<AppState>,
}

/// Hands the request on with a body that is taken in to its end.
pub(super) async fn rest(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits = request.headers().contains_key(EXPECT);
    next.run(request.map(|body| Body::new(Drained { body: Some(body), waits, state }))).await
}

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.waits = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let config = &self.state.config;
        let is_left = |body: &Body| !body.is_end_stream() && body.size_hint().lower() <= config.max_drain_bytes;
        let Some(body) = self.body.take().filter(is_left) else { return };
        if let (Ok(runtime), false) = (Handle::try_current(), self.waits) {
            self.state.background.spawn_on(drain(body, config.max_drain_bytes, config.drain_timeout), &runtime);
        }
    }
}

/// Reads the body to its end, or to a limit.
async fn drain(mut body: Body, max_bytes: u64, timeout: Duration) {
    let all = async {
        let mut left = max_bytes;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            let Some(less) = left.checked_sub(bytes) else { return };
            left = less;
        }
    };
    if tokio::time::timeout(timeout, all).await.is_err() {
        tracing::debug!("a body that was refused did not end in time");
    }
}
