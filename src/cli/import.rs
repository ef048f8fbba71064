//! `faremeter import`: brings files of records in, through the server that has the data folder open or on the folder itself,
//! and prints what came of them.

mod file;
mod report;

use std::path::PathBuf;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures::stream;
use http::Method;
use tokio::sync::mpsc;

use crate::ingest::aws_lambda::{AwsLambda, Said};
use crate::ingest::{self, Summary};
use crate::model::{Architecture, check_name};

use super::Common;
use super::ask::Asker;
use super::client::{Answer, Client, Connect};
use super::output::Output;

use file::Input;

/// Bytes of a file that are sent at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that are read before they are sent.
const CHUNKS_AHEAD: usize = 4;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// What the files are
    #[arg(value_enum, value_name = "FORMAT")]
    records: Format,
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The function that wrote the records, where they do not say
    #[arg(long, value_name = "NAME", value_parser = |text: &str| name(text, "function"))]
    function: Option<String>,
    /// Whom the function belongs to
    #[arg(long, default_value = "default", value_parser = |text: &str| name(text, "tenant"))]
    tenant: String,
    /// What the function runs on: x86_64 or arm64; where it is not known, invocations have no price
    #[arg(long)]
    architecture: Option<Architecture>,
    /// Where the function runs, where the records do not say
    #[arg(long)]
    region: Option<String>,
    /// The billing account, where the records do not say
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CloudWatch logs of AWS Lambda: `aws logs filter-log-events` or `get-log-events`, an array of events, or text; gzip or not
    AwsLambdaLogs,
    /// Export requests of OTLP as JSON, one after another, as the Collector's file exporter writes them; gzip or not
    OtlpJson,
}

impl Import {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let said = [("--function", self.function.is_some()), ("--architecture", self.architecture.is_some())];
        let said = said.into_iter().chain([("--region", self.region.is_some()), ("--account", self.account.is_some())]);
        if let Some((option, _)) = said.into_iter().find(|(_, given)| *given && self.records == Format::OtlpJson) {
            bail!("{option} is for aws-lambda-logs: in otlp-json each record says its own");
        }
        // All are looked at before the first is read: a slip in the last name should not be found after an hour.
        let inputs = self.files.iter().map(|path| Input::open(path)).collect::<anyhow::Result<Vec<_>>>()?;
        let asker = Asker::open_or_make(common, &self.connect).await?;
        let mut done = Vec::new();
        let mut result = Ok(());
        for input in inputs {
            let name = input.name().to_owned();
            match Box::pin(self.import(&asker, input)).await {
                Ok(summary) => done.push((name, summary)),
                Err(error) => {
                    result = Err(error.context(format!("'{name}'")));
                    break;
                }
            }
        }
        let printed = report::print(&done, self.output.format);
        let closed = asker.close().await;
        result.and(printed).and(closed)
    }

    async fn import(&self, asker: &Asker, input: Input) -> anyhow::Result<Summary> {
        match (asker, self.records) {
            (Asker::Server(client), _) => self.send(client, input).await,
            (Asker::Folder(offline), Format::AwsLambdaLogs) => self.store(&offline.aws_lambda, input).await,
            (Asker::Folder(offline), Format::OtlpJson) => {
                let import = ingest::Import { receiver: &offline.receiver, tenant: Some(&self.tenant) };
                Ok(Box::pin(import.read(input)).await?)
            }
        }
    }

    /// Has the server do it.
    async fn send(&self, client: &Client, input: Input) -> anyhow::Result<Summary> {
        let format = match self.records {
            Format::AwsLambdaLogs => "aws-lambda-logs",
            Format::OtlpJson => "otlp-json",
        };
        let mut url = client.url(&["api", "v1", "import", format]);
        url.query_pairs_mut().extend_pairs(self.settings());
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let reading = tokio::task::spawn_blocking(move || read(input, &sender));
        let body = reqwest::Body::wrap_stream(stream::poll_fn(move |context| chunks.poll_recv(context)));
        let headers = [("content-type", "application/octet-stream")];
        let answer = client.send(Method::POST, url, &headers, body).await;
        let read = reading.await.context("reading the file broke off")?;
        // A file that cannot be read is why the server had too little.
        read.and(answer.and_then(Answer::success))
            .and_then(|answer| serde_json::from_slice(&answer.body).context("the server's reply is not as expected"))
    }

    /// Does it here.
    async fn store(&self, lambda: &AwsLambda, input: Input) -> anyhow::Result<Summary> {
        let said = Said {
            function: self.function.clone(),
            tenant: self.tenant.clone(),
            architecture: self.architecture,
            region: self.region.clone(),
            account: self.account.clone(),
            instance: None,
        };
        Ok(Box::pin(lambda.import(input, said)).await?)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        if self.records == Format::OtlpJson {
            return vec![("tenant", self.tenant.clone())];
        }
        let architecture = self.architecture.map(|architecture| architecture.as_str().to_owned());
        let optional = [
            ("function", self.function.clone()),
            ("architecture", architecture),
            ("region", self.region.clone()),
            ("account", self.account.clone()),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.chain([("tenant", self.tenant.clone())]).collect()
    }
}

/// Reads a file to its end, for as long as somebody takes what is read.
fn read(mut input: Input, chunks: &mpsc::Sender<Result<Bytes, std::io::Error>>) -> anyhow::Result<()> {
    use std::io::Read;
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                chunk.truncate(length);
                if chunks.blocking_send(Ok(chunk.into())).is_err() {
                    return Ok(());
                }
            }
            Err(error) => {
                let why = format!("it cannot be read: {error}");
                let _nobody_listens = chunks.blocking_send(Err(error));
                bail!(why);
            }
        }
    }
}

fn name(text: &str, what: &'static str) -> Result<String, String> {
    check_name(text, what).map(|()| text.to_owned()).map_err(|error| error.to_string())
}
