//! Measures what a neighbour of hostile guests and clients feels: short calls over loopback HTTP at a steady pace, record
//! included, alone and beside each of them in turn. docs/benchmarks.md says what came out.

mod support;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use faremeter::app::App;
use faremeter::config::Config;
use faremeter::model::{FunctionSpec, VersionState};
use faremeter::units::Megabytes;
use tokio_util::sync::CancellationToken;

use support::{heading, now};

/// Alone and beside each of them, so often. What else the machine does comes in bursts, so medians over the rounds count.
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(600);
/// From the start of a hostile client until the neighbour is measured.
const SETTLE: Duration = Duration::from_millis(100);
/// The neighbour: so many clients, each calls at this pace.
const CLIENTS: usize = 2;
const PACE: Duration = Duration::from_millis(4);
/// What a hostile guest may add to the neighbour's p99, in ms.
const GOAL_MS: f64 = 5.0;

/// What one hostile client does, again and again.
struct Hostile {
    name: &'static str,
    guest: &'static str,
    path: &'static str,
    body_bytes: usize,
    client: Client,
}

#[derive(Clone, Copy)]
enum Client {
    Plain,
    SendsSlowly,
    ReadsSlowly,
}

const fn hostile(name: &'static str, guest: &'static str, path: &'static str) -> Hostile {
    Hostile { name, guest, path, body_bytes: 0, client: Client::Plain }
}

const PROBE: &str = "probe/probe.wasm";

const HOSTILES: [Hostile; 13] = [
    hostile("nothing at all", "", ""),
    hostile("endless loop", "spin.wat", ""),
    hostile("endless loop, component", PROBE, "/spin"),
    hostile("memory bomb, refused", "grow.wat", ""),
    hostile("memory bomb, endless", "bomb.wat", ""),
    hostile("stack overflow", "overflow.wat", ""),
    hostile("trap", "trap.wat", ""),
    hostile("1 GiB reply", "gigabyte.wat", ""),
    hostile("1 GiB reply, streamed", PROBE, "/big?bytes=1073741824"),
    hostile("log flood", "deluge.wat", ""),
    Hostile { body_bytes: 5 << 20, ..hostile("input never read, 5 MiB", "noinput.wat", "") },
    Hostile { body_bytes: 40, client: Client::SendsSlowly, ..hostile("client sends slowly", "ok.wat", "") },
    Hostile { client: Client::ReadsSlowly, ..hostile("client reads slowly", PROBE, "/big?bytes=19000000") },
];

fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let server = Server::start(dir.path());
    server.deploy("neighbour", "ok.wat", Duration::from_secs(3));
    for (number, hostile) in HOSTILES.iter().enumerate().filter(|(_, hostile)| !hostile.guest.is_empty()) {
        server.deploy(&format!("hostile-{number}"), hostile.guest, Duration::from_secs(3));
    }
    measure(server.address, ROUND);
    heading(&format!(
        "{CLIENTS} clients that call every {PACE:?}, alone and beside; {ROUNDS} rounds of {ROUND:?} in turn, ms"
    ));
    for (number, hostile) in HOSTILES.iter().enumerate() {
        let (mut rounds, mut attacks) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let alone = measure(server.address, ROUND);
            let attack = Attack::begin(server.address, hostile, &format!("/fn/hostile-{number}{}", hostile.path));
            std::thread::sleep(SETTLE);
            let beside = measure(server.address, ROUND);
            rounds.push(Round { alone, beside });
            attacks += attack.end();
        }
        print(hostile.name, &rounds, attacks);
    }
    server.stop();
}

/// What the neighbour's calls took in one round.
struct Round {
    alone: Vec<Duration>,
    beside: Vec<Duration>,
}

/// Prints the medians over the rounds, and how far the added p99 goes either way.
fn print(name: &str, rounds: &[Round], attacks: u64) {
    let over_rounds = |figure: fn(&Round) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        [all[0], all[all.len() / 2], all[all.len() - 1]]
    };
    let [_, p50, _] = over_rounds(|round| at(&round.alone, 50));
    let [_, p99, _] = over_rounds(|round| at(&round.alone, 99));
    let [_, beside_p50, _] = over_rounds(|round| at(&round.beside, 50));
    let [_, beside_p99, _] = over_rounds(|round| at(&round.beside, 99));
    let [least, added, most] = over_rounds(|round| at(&round.beside, 99) - at(&round.alone, 99));
    let met = if added <= GOAL_MS { "" } else { "  over the goal" };
    println!(
        "  {name:<24} alone p50 {p50:>5.2} p99 {p99:>6.2}   beside p50 {beside_p50:>5.2} p99 {beside_p99:>6.2}   \
         p99 {added:>+6.2} ({least:+.2} to {most:+.2})   {attacks} attacks{met}"
    );
}

/// So many percent of the calls took no longer than this, in ms.
fn at(calls: &[Duration], percent: usize) -> f64 {
    let mut sorted = calls.to_vec();
    sorted.sort();
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e3
}

/// What each call of the neighbour took. One that a slow call delays counts from when it was due.
fn measure(address: SocketAddr, length: Duration) -> Vec<Duration> {
    let clients: Vec<_> = (0..CLIENTS).map(|_| std::thread::spawn(move || call_steadily(address, length))).collect();
    clients.into_iter().flat_map(|client| client.join().expect("every call is answered well")).collect()
}

fn call_steadily(address: SocketAddr, length: Duration) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).expect("the server accepts connections");
    stream.set_nodelay(true).expect("it can be set");
    let began = now();
    let (mut due, mut calls) = (began, Vec::new());
    while due < began + length {
        let wait = due.saturating_duration_since(now());
        std::thread::sleep(wait);
        let begin = if wait.is_zero() { due } else { now() };
        call(&mut stream);
        calls.push(now() - begin);
        due += PACE;
    }
    calls
}

/// One call on a connection that goes on.
fn call(stream: &mut TcpStream) {
    let request = b"POST /fn/neighbour HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\ntea";
    stream.write_all(request).expect("sent");
    let (mut answer, mut buffer) = (Vec::new(), [0; 4_096]);
    while !answer.ends_with(b"\r\n\r\ntea") {
        let bytes = stream.read(&mut buffer).expect("an answer");
        assert!(bytes > 0, "the answer is whole: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..bytes]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

/// A hostile client at work.
struct Attack {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    client: Option<JoinHandle<()>>,
}

impl Attack {
    fn begin(address: SocketAddr, hostile: &'static Hostile, target: &str) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = (!hostile.guest.is_empty()).then(|| {
            let (stop, done, target) = (Arc::clone(&stop), Arc::clone(&done), target.to_owned());
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    // However it ends, it is the attacker's loss.
                    let _cut_off = attack(address, hostile, &target, &stop);
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Self { stop, done, client }
    }

    /// Stops it; says how often it was through.
    fn end(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(client) = self.client {
            client.join().expect("it ends well");
        }
        self.done.load(Ordering::SeqCst)
    }
}

fn attack(address: SocketAddr, hostile: &Hostile, target: &str, stop: &AtomicBool) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    let (length, body) = (hostile.body_bytes, vec![b'y'; hostile.body_bytes]);
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    match hostile.client {
        Client::SendsSlowly => body.chunks(1).try_for_each(|byte| {
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(byte)
        })?,
        Client::Plain | Client::ReadsSlowly => stream.write_all(&body)?,
    }
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::SeqCst) {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) if matches!(hostile.client, Client::ReadsSlowly) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(error);
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// The whole program, in this process.
struct Server {
    threads: tokio::runtime::Runtime,
    app: JoinHandle<()>,
    address: SocketAddr,
    deployer: faremeter::trigger::Deployer,
    stop: CancellationToken,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be made");
        let mut config = Config::at(dir);
        config.web.listen.set_port(0);
        (config.web.otlp_grpc.0, config.web.otlp_http.0) = (None, None);
        let app = threads.block_on(Box::pin(App::start(config))).expect("the program starts");
        let address = app.url().trim_start_matches("http://").parse().expect("an address and a port");
        let (deployer, stop) = (app.deployer().clone(), CancellationToken::new());
        let (handle, stopped) = (threads.handle().clone(), stop.clone());
        let run = move || handle.block_on(Box::pin(app.run(stopped))).expect("the program ends well");
        Self { threads, app: std::thread::spawn(run), address, deployer, stop }
    }

    fn deploy(&self, name: &str, guest: &str, timeout: Duration) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(guest);
        let upload = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spec = FunctionSpec { timeout, memory: Megabytes(128), ..FunctionSpec::new(name) };
        let deployed = self.threads.block_on(Box::pin(self.deployer.deploy(spec, Bytes::from(upload))));
        deployed.expect("the guest is valid");
        while self.deployer.get(name).is_none_or(|function| function.latest.state == VersionState::Pending) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(self) {
        self.stop.cancel();
        self.app.join().expect("the program ends");
    }
}
