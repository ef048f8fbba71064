//! The command line's side of the HTTP API: where the server is, and how its errors read as one sentence.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

/// Where the server of an embedded default listens.
pub(super) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// What every command that talks to a running server takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Connect {
    /// The server's URL [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// The access token
    #[arg(long, env = "FAREMETER_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
}

impl Connect {
    /// A client of the server that is named, or else of the default one.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Client::new(self.server.as_deref().unwrap_or(DEFAULT_SERVER), self.token.as_deref())
    }
}

/// Talks to one server.
pub(super) struct Client {
    base: url::Url,
    token: Option<String>,
    http: reqwest::Client,
}

/// A reply, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    pub(super) fn new(server: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let base = url::Url::parse(server).with_context(|| format!("'{server}' is not a URL"))?;
        if base.scheme() != "http" || base.cannot_be_a_base() {
            bail!("'{server}' is not the URL of a server: write http://HOST:PORT");
        }
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).no_proxy().build()?;
        Ok(Self { base, token: token.map(str::to_owned), http })
    }

    /// Whether a server answers there.
    pub(super) async fn is_there(&self) -> bool {
        self.send(Method::GET, self.url(&["healthz"]), &[], Bytes::new()).await.is_ok()
    }

    /// A URL of this server; each segment is escaped.
    pub(super) fn url(&self, segments: &[&str]) -> url::Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL can be a base").pop_if_empty().extend(segments);
        url
    }

    /// Sends a request and reads the reply, whatever its status. The body may be a stream.
    pub(super) async fn send(
        &self,
        method: Method,
        url: url::Url,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.http.request(method, url).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The library's own error nests five causes that all say the same.
        let unreachable = |_| anyhow!("no answer from {}: is `faremeter serve` running there?", self.base);
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.context("the server's reply broke off")?;
        Ok(Answer { status, headers, body })
    }

    /// Sends a request and reads the JSON reply; another status than success becomes an error.
    pub(super) async fn json(&self, method: Method, url: url::Url, body: Bytes) -> anyhow::Result<Value> {
        let answer = self.send(method, url, &[("content-type", "application/json")], body).await?.success()?;
        serde_json::from_slice(&answer.body).context("the server's reply is not JSON")
    }

    /// All items of a list that comes in pages.
    pub(super) async fn items(&self, segments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = self.url(segments);
            url.query_pairs_mut().append_pair("limit", "1000");
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let mut page = self.json(Method::GET, url, Bytes::new()).await?;
            let items =
                page.get_mut("items").and_then(Value::as_array_mut).context("the server's reply has no items")?;
            all.append(items);
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }
}

impl Answer {
    /// This answer, or the server's own sentence about what went wrong.
    pub(super) fn success(self) -> anyhow::Result<Self> {
        if self.status.is_success() { Ok(self) } else { bail!("{}", self.problem()) }
    }

    /// The sentence of a problem+json body, with its finer cause; else the status.
    pub(super) fn problem(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str);
        match (text("detail").or(text("title")), text("error_type")) {
            (Some(detail), Some(error_type)) => format!("{detail} ({error_type})"),
            (Some(detail), None) => detail.to_owned(),
            (None, _) => format!("the server answered {}", self.status),
        }
    }

    /// A header's text; empty when it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
