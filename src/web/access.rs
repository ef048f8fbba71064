//! Who asks and what they may do. Every route names the action that it needs (`router::Routes::add`), and `guard`
//! holds to it. Today whoever reaches the loopback address is the local operator.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{NOT_ALLOWED, Problem};
use super::state::AppState;

/// Who asks: carried by every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Names them in records of who did what.
    pub id: String,
    /// What they may do.
    pub role: Role,
    /// The tenant that they are held to; none sees all.
    pub tenant: Option<String>,
}

impl Principal {
    /// Whoever works at this machine.
    #[must_use]
    pub fn local_operator() -> Self {
        Self { id: "local-operator".to_owned(), role: Role::Operator, tenant: None }
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Operator,
    /// Looking, and nothing else.
    Viewer,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Lists functions and their settings.
    FunctionsRead,
    /// Deploys and removes functions.
    FunctionsWrite,
    /// Calls functions.
    Invoke,
    /// Reads telemetry by SQL.
    Query,
    /// Reads telemetry by ready-made questions.
    TelemetryRead,
    /// Sends telemetry.
    TelemetryWrite,
    /// Reads bills and what they are made of.
    BillingRead,
    /// Reads the server's own state.
    ServerRead,
}

impl Action {
    /// The word in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FunctionsRead => "functions:read",
            Self::FunctionsWrite => "functions:write",
            Self::Invoke => "invoke",
            Self::Query => "query",
            Self::TelemetryRead => "telemetry:read",
            Self::TelemetryWrite => "telemetry:write",
            Self::BillingRead => "billing:read",
            Self::ServerRead => "server:read",
        }
    }
}

impl Role {
    /// Whether this role may do it.
    #[must_use]
    pub fn may(self, action: Action) -> bool {
        match self {
            Self::Operator => true,
            Self::Viewer => !matches!(action, Action::FunctionsWrite | Action::Invoke | Action::TelemetryWrite),
        }
    }
}

/// Gives every request its principal.
pub(super) async fn identify(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(state.anyone.clone());
    next.run(request).await
}

/// Lets a request through to a route that does `action`, or answers 403.
pub(super) async fn guard(State(action): State<Action>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Principal>() {
        Some(principal) if principal.role.may(action) => next.run(request).await,
        Some(principal) => {
            let detail = format!("'{}' may not do this: it needs the action {}", principal.id, action.as_str());
            Problem::new(NOT_ALLOWED, detail).into_response()
        }
        None => Problem::new(NOT_ALLOWED, "nobody is known to ask").into_response(),
    }
}
