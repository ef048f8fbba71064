//! Lists the boards, and tells what one is made of. Their data is `panel`'s.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::Uri;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dashboard::Dashboard;
use crate::web::error::Problem;
use crate::web::panel;
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::{ProblemBody, page};

/// A board.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct DashboardItem {
    /// Its name in URLs.
    name: String,
    /// What the navigation and the page say.
    title: String,
    /// Where its page is.
    path: String,
    /// What it is for.
    about: String,
}

/// The boards.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct DashboardPage {
    /// By name.
    items: Vec<DashboardItem>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Lists the boards
#[utoipa::path(
    get,
    operation_id = "list_dashboards",
    path = "/api/v1/dashboards",
    tag = "dashboards",
    params(
        ("limit" = Option<u32>, Query, description = "Boards in a page, 1 to 1000 (100)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "The boards of the program and those of the user", body = DashboardPage),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<DashboardPage>, Problem> {
    let mut query = QueryString::of(&uri);
    let limit = query.limit(100)?;
    let cursor = query.text("cursor")?;
    query.finish()?;
    let all = state.boards.all();
    let follows = |name: &str| cursor.as_deref().is_none_or(|cursor| name > cursor);
    let mut boards: Vec<&Arc<Dashboard>> = all.iter().filter(|board| follows(&board.name)).collect();
    boards.sort_by(|a, b| a.name.cmp(&b.name));
    let (boards, next_cursor) = page(boards, limit, |board| board.name.clone());
    let item = |board: &Arc<Dashboard>| DashboardItem {
        name: board.name.clone(),
        title: board.title.clone(),
        path: board.path.clone(),
        about: board.about.clone(),
    };
    Ok(Json(DashboardPage { items: boards.into_iter().map(item).collect(), next_cursor }))
}

/// Tells what a board is made of
///
/// The members are those of its file, with what the file leaves out.
#[utoipa::path(
    get,
    operation_id = "get_dashboard",
    path = "/api/v1/dashboards/{name}",
    tag = "dashboards",
    params(("name" = String, Path, description = "The board's name")),
    responses(
        (status = 200, description = "The board with its panels", body = serde_json::Value),
        (status = 404, description = "There is no such board", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn get(
    State(state): State<Arc<AppState>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Json<Dashboard>, Problem> {
    QueryString::of(&uri).finish()?;
    Ok(Json(Dashboard::clone(&*panel::board(&state, &name)?)))
}
