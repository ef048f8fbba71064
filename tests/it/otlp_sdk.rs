//! OpenTelemetry's own SDKs send traces, logs and metrics while the server is killed again and again: what they count as
//! sent is what SQL counts, once each. Without Python, npm or a registry to install from, a client is left out.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::support::packages::{installed, ran};
use crate::support::server::{Home, Server};
use crate::support::{Deadline, PATIENCE, repository};

const BATCHES: usize = 24;
const SIZE: usize = 20;
const KILLS: usize = 4;

/// A client that runs.
struct Client {
    function: &'static str,
    process: Child,
    lines: Receiver<String>,
    counted: Option<Value>,
}

impl Client {
    fn begin(function: &'static str, command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the client starts");
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { function, process, lines, counted: None }
    }

    /// Waits for so many batches more, and gives up waiting at the end of the client.
    fn follow(&mut self, batches: usize) {
        let deadline = Deadline::after(PATIENCE);
        for _ in 0..batches {
            match self.lines.recv_timeout(deadline.left()) {
                Ok(line) if line.starts_with('{') => self.counted = serde_json::from_str(&line).ok(),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("'{}' does not go on", self.function),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}

#[test]
fn what_sdks_count_as_sent_is_what_sql_counts() {
    let home = Arc::new(Home::new().otlp().config("[store]\ncommit_interval = \"300ms\"\n"));
    let mut server = home.serve();
    let mut clients = clients(&server);
    if clients.is_empty() {
        eprintln!("skipped: no client could be installed");
        return;
    }
    let mut moments = StdRng::from_os_rng();
    for _ in 0..KILLS {
        clients.iter_mut().for_each(|client| client.follow(BATCHES / (KILLS + 1)));
        std::thread::sleep(Duration::from_millis(moments.random_range(0..60)));
        server.kill();
        server = home.serve();
    }
    for client in &mut clients {
        client.follow(BATCHES + 1);
        compare(&server, client);
    }
}

fn clients(server: &Server) -> Vec<Client> {
    let (http, grpc) = (server.otlp_http.expect("it is on"), server.otlp_grpc.expect("it is on"));
    let (http, grpc) = (format!("http://{http}"), format!("http://{grpc}"));
    let [batches, size] = [BATCHES, SIZE].map(|number| number.to_string());
    let scripts = repository().join("tests/clients");
    let mut clients = Vec::new();
    if let Some(python) = python() {
        let run = |protocol: &str, url: &str| {
            let mut command = Command::new(&python);
            command.arg(scripts.join("python/client.py")).args([protocol, url, &batches, &size]);
            command
        };
        clients.push(Client::begin("python-http", &mut run("http", &http)));
        clients.push(Client::begin("python-grpc", &mut run("grpc", &grpc)));
    }
    if let Some(folder) = node() {
        let mut command = Command::new("node");
        command.arg(scripts.join("node/client.js")).args([&http, &batches, &size]).current_dir(folder);
        clients.push(Client::begin("node-http", &mut command));
    }
    clients
}

fn compare(server: &Server, client: &Client) {
    let function = client.function;
    let counted = client.counted.as_ref().unwrap_or_else(|| panic!("'{function}' ended without its counts"));
    println!("{function} counts {counted}");
    let expected = |name: &str| counted[name].as_i64().expect("a count");
    let tables = [
        ("spans", "spans", "trace_id || span_id"),
        ("logs", "logs", "body"),
        ("points", "metrics", "name || attributes['batch'] || CAST(time_unix_nano AS TEXT)"),
        ("invocations", "invocations", "invocation_id"),
    ];
    for (name, table, identity) in tables {
        let sql = format!(
            "SELECT count(*) AS n, count(DISTINCT {identity}) AS d FROM {table} WHERE function = '{function}' AND source = 'otlp'"
        );
        let row = server.row(&sql);
        assert_eq!((row.int("n"), row.int("d")), (expected(name), expected(name)), "{function}: {table}");
    }
    assert_eq!(expected("spans"), i64::try_from(BATCHES * SIZE).expect("few"));
}

/// Python with the packages of `requirements.txt`, in an environment of its own that is made once.
fn python() -> Option<PathBuf> {
    let wanted = repository().join("tests/clients/python/requirements.txt");
    let folder = installed("otlp-clients/python", &wanted, |folder| {
        let pip = folder.join("venv/bin/pip");
        ran(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))
            && ran(Command::new(pip).args(["install", "--quiet", "-r"]).arg(&wanted))
    })?;
    Some(folder.join("venv/bin/python"))
}

/// A folder with the packages of `package.json`.
fn node() -> Option<PathBuf> {
    let wanted = repository().join("tests/clients/node/package.json");
    let has_node = ran(Command::new("node").arg("--version"));
    installed("otlp-clients/node", &wanted, |folder| {
        let copied = std::fs::copy(&wanted, folder.join("package.json")).is_ok();
        let options = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
        has_node && copied && ran(Command::new("npm").args(options).current_dir(folder))
    })
}
