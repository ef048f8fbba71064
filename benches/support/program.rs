//! The program itself as a bench runs it: a server that is asked over HTTP, and commands that end by themselves, with the time and
//! memory that they took. What is asked, and what of it is printed, is each bench's own.

#![allow(dead_code, reason = "each bench uses its own part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::{Value, json};

use crate::support::now;

/// Time between two looks at a command's memory.
const LOOK: Duration = Duration::from_millis(5);
/// The kernel tells CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A command that has ended.
pub(crate) struct Ran {
    /// What it printed.
    pub(crate) said: String,
    pub(crate) took: Duration,
    /// Of all its threads.
    pub(crate) cpu: Duration,
    /// Its largest moment, MiB.
    pub(crate) peak_mib: u64,
    /// What of the memory was not of files, at the largest moment that was seen, MiB.
    pub(crate) anonymous_mib: u64,
}

/// Runs `faremeter` with these arguments to its end, which must be a good one.
pub(crate) fn run(args: &[&str]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_faremeter"));
    let began = now();
    let process = program.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut process = process.expect("the program starts");
    // Taken in beside: a program that prints more than a pipe holds would never end.
    let [said, complained] =
        [read_on(process.stdout.take().expect("it is piped")), read_on(process.stderr.take().expect("it is piped"))];
    let (mut anonymous, mut peak) = (0, 0);
    let pid = Pid::from_child(&process);
    // Its CPU time is there until somebody has waited for it in earnest.
    let seen = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), seen).expect("it is our child").is_none() {
        anonymous = anonymous.max(memory(&process, "RssAnon:"));
        peak = peak.max(memory(&process, "VmHWM:"));
        std::thread::sleep(LOOK);
    }
    let (took, cpu) = (began.elapsed(), cpu_of(&process));
    let status = process.wait().expect("it has ended");
    let [said, complained] = [said, complained].map(|reader| reader.join().expect("it is text"));
    assert!(status.success(), "{args:?}: {complained}");
    Ran { said, took, cpu, peak_mib: peak >> 10, anonymous_mib: anonymous >> 10 }
}

fn read_on(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("it is text");
        text
    })
}

/// A line of the kernel's about the process, in KiB; 0 once it is over.
fn memory(process: &Child, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// CPU time of the process so far, user and system.
fn cpu_of(process: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it is there");
    // The name before may hold blanks; user and system time are the 12th and 13th behind it.
    let behind = stat.rsplit_once(") ").expect("a name in brackets").1;
    let ticks = behind.split(' ').skip(11).take(2).map(|text| text.parse::<u32>().expect("a number"));
    TICK * ticks.sum::<u32>()
}

/// A running `faremeter`, ended when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    /// Held to the end: whoever cannot say that he is ready ends.
    _said: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(command: &str, data: &Path, args: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_faremeter"));
        program
            .args([command, "--listen", "127.0.0.1:0", "--otlp-grpc", "off", "--otlp-http", "off", "--data"])
            .arg(data)
            .args(args);
        let mut process = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().rsplit("http://").next().and_then(|text| text.parse().ok()).expect("an address");
        Self { process, address, _said: said }
    }

    fn send(&self, request: &str) -> String {
        let mut connection = TcpStream::connect(self.address).expect("it listens");
        connection.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("it answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address))
    }

    /// How many files the table of invocations has, in the words of /metrics.
    pub(crate) fn files(&self) -> String {
        let metrics = self.get("/metrics");
        let line = metrics.lines().find(|line| line.starts_with("faremeter_store_files{table=\"invocations\"}"));
        line.expect("/metrics has the store's files").to_owned()
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        let body = answer.split_once("\r\n\r\n").expect("an answer has a head").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }

    /// Milliseconds until the answer is there whole, and the answer.
    pub(crate) fn timed(&self, path: &str) -> (f64, String) {
        let began = now();
        let answer = self.get(path);
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        (took.as_secs_f64() * 1e3, answer)
    }

    /// Milliseconds until a query's rows are there.
    pub(crate) fn query(&self, sql: &str) -> f64 {
        let body = json!({ "sql": sql }).to_string();
        let head = format!("POST /api/v1/query HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        let head = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        let began = now();
        let answer = self.send(&(head + &body));
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
        took.as_secs_f64() * 1e3
    }

    /// CPU time so far, of all its threads.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.process)
    }

    /// Its largest moment so far, MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        memory(&self.process, "VmHWM:") >> 10
    }

    /// Ends it as an operator does, so that all is committed.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it runs");
        let _status = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}
