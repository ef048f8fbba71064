//! `faremeter remove`: removes a function.

use bytes::Bytes;
use clap::Args;
use http::Method;

use super::client::Connect;
use super::output;

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The function's name
    name: String,
    #[command(flatten)]
    connect: Connect,
}

impl Remove {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.connect.client()?;
        let url = client.url(&["api", "v1", "functions", &self.name]);
        client.send(Method::DELETE, url, &[], Bytes::new()).await?.success()?;
        output::line(&format!("{} is removed; its records stay", self.name))
    }
}
