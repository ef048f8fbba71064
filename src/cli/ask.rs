//! Where a command works: with the server that has the data folder open, or on the folder itself when none has. What it does
//! there, and what it asks, is the command's.

use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use crate::app::{self, Offline};
use crate::config::{Config, DEFAULT_DATA};
use crate::query::{Param, Params, format};
use crate::store;

use super::Common;
use super::client::{Client, Connect, DEFAULT_SERVER};

/// Answers SQL.
pub(super) enum Asker {
    Server(Client),
    Folder(Offline),
}

impl Asker {
    /// The server that is named, or the one that has the folder open, or the folder.
    pub(super) async fn open(common: &Common, connect: &Connect) -> anyhow::Result<Self> {
        let server = |url: &str| Client::new(url, connect.token.as_deref()).map(Self::Server);
        if let Some(url) = &connect.server {
            return server(url);
        }
        let config = Config::read(&common.flags())?;
        if !config.data.is_dir() {
            return server(DEFAULT_SERVER);
        }
        Self::folder(config, connect).await
    }

    /// The same for a command that brings data: a folder that is named and not there is made. Where none is named, a server
    /// that answers at the default address goes before a new folder.
    pub(super) async fn open_or_make(common: &Common, connect: &Connect) -> anyhow::Result<Self> {
        if connect.server.is_some() {
            return Self::open(common, connect).await;
        }
        let config = Config::read(&common.flags())?;
        if !config.data.is_dir() {
            if config.data == Path::new(DEFAULT_DATA) && connect.client()?.is_there().await {
                return Ok(Self::Server(connect.client()?));
            }
            let data = config.data.display();
            std::fs::create_dir_all(&config.data).with_context(|| format!("the folder '{data}' cannot be made"))?;
        }
        Self::folder(config, connect).await
    }

    async fn folder(config: Config, connect: &Connect) -> anyhow::Result<Self> {
        let server = |url: &str| Client::new(url, connect.token.as_deref()).map(Self::Server);
        let data = config.data.clone();
        match Offline::open(config).await {
            Ok(offline) => Ok(Self::Folder(offline)),
            // A server has the folder open: it says where it listens.
            Err(error) if is_locked(&error) => {
                server(&app::serving_url(&data).unwrap_or_else(|| DEFAULT_SERVER.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// The answer's rows.
    pub(super) async fn rows(&self, sql: &str, params: &[(&str, String)]) -> anyhow::Result<Vec<Map<String, Value>>> {
        match self {
            Self::Folder(offline) => {
                let params: Params =
                    params.iter().map(|(name, value)| ((*name).to_owned(), Param::Text(value.clone()))).collect();
                Ok(format::rows(&offline.query.sql(sql, &params).await?)?)
            }
            Self::Server(client) => {
                let params: Map<String, Value> =
                    params.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect();
                let body = Bytes::from(json!({"sql": sql, "params": params}).to_string());
                let answer = client.json(Method::POST, client.url(&["api", "v1", "query"]), body).await?;
                let rows = answer.get("rows").cloned().context("the server's reply has no rows")?;
                serde_json::from_value(rows).context("the server's reply has rows that are no objects")
            }
        }
    }

    /// Closes the folder.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Folder(offline) => offline.close().await,
        }
    }
}

/// Whether another process has the data folder open.
fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<store::Error>(), Some(store::Error::Locked { .. }))
}
