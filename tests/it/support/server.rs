//! A server of a test's own: on a free port, on a folder of its own, ended with the test.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cli::{Ran, cli, program};
use super::http::{Connection, Request, Response};
use super::rows::{Row, rows};
use super::{Deadline, PATIENCE, path_text};

/// What the server prints before its URL when it takes calls.
const READY: &str = "Faremeter is ready at ";
/// What the demo prints before its URL when the page is there, and the rest may not be up yet.
const LISTENS: &str = "Faremeter listens at ";
/// What it prints before the addresses of OTLP.
const OTLP: [&str; 2] = ["OTLP over gRPC is taken at ", "OTLP over HTTP is taken at "];

/// A data folder, and how it is served: it outlives the servers on it.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    command: &'static str,
    /// Where OTLP is listened for.
    otlp: [String; 2],
    args: Vec<String>,
    /// Environment variables.
    vars: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let off = || "off".to_owned();
        Self { folder, command: "serve", otlp: [off(), off()], args: Vec::new(), vars: Vec::new() }
    }

    /// With ports of OTLP, the same for each of its servers; other homes have them off.
    pub(crate) fn otlp(self) -> Self {
        Self { otlp: [free_address(), free_address()], ..self }
    }

    /// `demo` in place of `serve`; it makes its own data folder, in ours.
    pub(crate) fn demo() -> Self {
        let home = Self { command: "demo", ..Self::new() };
        let scratch = path_text(home.folder.path());
        Self { vars: vec![("TMPDIR".to_owned(), scratch)], ..home }
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// With this configuration file.
    pub(crate) fn config(self, toml: &str) -> Self {
        let file = self.folder.path().join("faremeter.toml");
        std::fs::write(&file, toml).expect("written");
        self.arg("--config").arg(&path_text(file))
    }

    /// With this environment variable.
    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn data_text(&self) -> String {
        path_text(self.data())
    }

    /// Where everything is that its servers write.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Starts a server and waits until it takes calls.
    pub(crate) fn serve(self: &Arc<Self>) -> Server {
        self.begin().ready()
    }

    /// Starts a server, which may not take calls yet.
    pub(crate) fn begin(self: &Arc<Self>) -> Starting {
        let mut command = program();
        command.arg(self.command).args(["--listen", "127.0.0.1:0"]);
        command.args(["--otlp-grpc", &self.otlp[0], "--otlp-http", &self.otlp[1]]).args(&self.args);
        command.envs(self.vars.iter().cloned());
        if self.command == "serve" {
            command.arg("--data").arg(self.data());
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _nobody_listens = sender.send(line);
            }
        });
        Starting { home: Arc::clone(self), child: Guard(child), lines }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// What its servers logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

/// An address of this machine that nothing listens on.
fn free_address() -> String {
    let taken = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    taken.expect("there is a free port").to_string()
}

/// Kills the process when it is dropped.
#[derive(Debug)]
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A server that has not said yet that it takes calls.
pub(crate) struct Starting {
    home: Arc<Home>,
    child: Guard,
    lines: Receiver<String>,
}

impl Starting {
    fn ready(self) -> Server {
        self.said(READY)
    }

    /// Waits for the demo's page, which comes before the rest.
    pub(crate) fn listening(self) -> Server {
        self.said(LISTENS)
    }

    fn said(self, before_url: &str) -> Server {
        let deadline = Deadline::after(PATIENCE);
        let mut otlp = [None; 2];
        let line = loop {
            let line = self.lines.recv_timeout(deadline.left());
            let line = line.unwrap_or_else(|error| panic!("no server ({error}): {}", self.home.log()));
            if line.starts_with(before_url) {
                break line;
            }
            for (before, place) in OTLP.iter().zip(&mut otlp) {
                *place = place.or(line.strip_prefix(before).map(|address| address.parse().expect("an address")));
            }
        };
        let url = line.trim_start_matches(before_url).to_owned();
        let address = url.trim_start_matches("http://").parse().expect("a loopback address and port");
        let [otlp_grpc, otlp_http] = otlp;
        Server { home: self.home, child: self.child, lines: Mutex::new(self.lines), url, address, otlp_grpc, otlp_http }
    }

    /// Kills it at once, whatever it is doing.
    pub(crate) fn kill(self) {
        drop(self.child);
    }
}

/// A server that takes calls.
pub(crate) struct Server {
    pub(crate) home: Arc<Home>,
    child: Guard,
    lines: Mutex<Receiver<String>>,
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    /// OTLP over gRPC, where it is on.
    pub(crate) otlp_grpc: Option<SocketAddr>,
    /// OTLP over HTTP, where it is on.
    pub(crate) otlp_http: Option<SocketAddr>,
}

impl Server {
    /// A new server with the defaults, on a new folder.
    pub(crate) fn start() -> Self {
        Arc::new(Home::new()).serve()
    }

    /// A server that tests share where they do not mind each other; it ends with the last of them.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.0.kill().expect("it runs");
        self.child.0.wait().expect("it ends");
    }

    /// Ends it as an operator does, and says how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child.0);
        kill_process(pid, Signal::TERM).expect("it runs");
        let deadline = Deadline::after(PATIENCE);
        loop {
            if let Some(status) = self.child.0.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(!deadline.is_over(), "the server did not stop: {}", self.home.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// What it printed after it was ready.
    pub(crate) fn printed(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).try_iter().collect()
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address).expect("the server accepts connections")
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.connect().send(request).unwrap_or_else(|error| panic!("{error} after {request:?}"))
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(&Request::get(target))
    }

    /// Calls a function through the API.
    pub(crate) fn invoke(&self, name: &str, payload: &str) -> Response {
        self.send(&Request::post(&format!("/api/v1/functions/{name}/invocations"), payload))
    }

    /// Runs a command that talks to this server.
    pub(crate) fn cli(&self, args: &[&str]) -> Ran {
        cli(&[args, &["--server", &self.url]].concat())
    }

    /// Deploys a function that must be right.
    pub(crate) fn deploy(&self, name: &str, file: &str, options: &[&str]) {
        self.cli(&[&["deploy", name, file], options].concat()).ok();
    }

    /// Asks for rows; the answer may be an error.
    pub(crate) fn query(&self, sql: &str, params: &Value) -> Response {
        let body = json!({"sql": sql, "params": params}).to_string();
        self.send(&Request::post("/api/v1/query", body).header("content-type", "application/json"))
    }

    /// The rows of a query that must be right.
    pub(crate) fn sql(&self, sql: &str) -> Vec<Row> {
        let answer = self.query(sql, &json!({}));
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        rows(&answer.json())
    }

    /// The only row of a query.
    pub(crate) fn row(&self, sql: &str) -> Row {
        let mut rows = self.sql(sql);
        assert_eq!(rows.len(), 1, "one row: {sql}: {rows:?}");
        rows.remove(0)
    }

    /// A text of the only row.
    pub(crate) fn text(&self, sql: &str, column: &str) -> String {
        self.row(sql).text(column).to_owned()
    }

    /// The only column `n` of the only row.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.row(sql).int("n")
    }

    /// The one record of an invocation.
    pub(crate) fn record(&self, invocation_id: &str) -> Row {
        self.row(&format!("SELECT * FROM invocations WHERE invocation_id = '{invocation_id}'"))
    }

    /// Whether the server's own threads have panicked; a guest's panic is no line of the server's.
    fn panicked(&self) -> bool {
        self.home.log().lines().any(|line| line.starts_with("thread '") && line.contains("panicked at"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.home.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the server's last lines:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
            return;
        }
        assert!(!self.panicked(), "the server panicked: {}", self.home.log());
    }
}

/// A file that holds `bytes`, and the folder that it is in.
pub(crate) fn temporary_file(name: &str, bytes: &[u8]) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    File::create(&path).and_then(|_| std::fs::write(&path, bytes)).expect("written");
    (folder, path_text(path))
}
