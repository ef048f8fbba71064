//! Stores of so many invocations, as the demo makes them: made once for each size, under target/, and kept for every bench.

use std::path::PathBuf;
use std::time::Duration;

use crate::program::Server;
use crate::support::{heading, now};

/// Days of the history.
const DAYS: &str = "35";
/// The longest that a store may take to be made, and then to be joined.
const MADE_WITHIN: Duration = Duration::from_secs(3_600);
/// Files that have not changed for so long are joined: there are rounds each minute.
const SETTLED: Duration = Duration::from_secs(150);

/// The folder with so many invocations; made by the demo where it is not there.
pub(crate) fn store(size: &str) -> PathBuf {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("dashboards-{size}"));
    if data.join("made").exists() {
        return data;
    }
    heading(&format!("making {size} invocations over {DAYS} days"));
    let began = now();
    let server = Server::start("demo", &data, &["--no-load", "--history", size, "--history-days", DAYS]);
    until("the history is loaded", MADE_WITHIN, || server.get("/readyz").starts_with("HTTP/1.1 200"));
    println!("  took {:.0} s", began.elapsed().as_secs_f64());
    // Until no round of joining has changed anything. The last files of a day that is over are joined an hour after its last
    // row, which is not waited for: where the folder is served for longer, there are fewer files.
    let (mut files, mut since) = (server.files(), now());
    until("the files are joined", MADE_WITHIN, || {
        let found = server.files();
        if found != files {
            (files, since) = (found, now());
        }
        since.elapsed() > SETTLED
    });
    println!("  {files} after {:.0} s", began.elapsed().as_secs_f64());
    server.stop();
    std::fs::write(data.join("made"), size).expect("the folder can be written");
    data
}

/// Looks once a second, and gives up when it takes too long.
fn until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let began = now();
    while !is_so() {
        assert!(began.elapsed() < limit, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_secs(1));
    }
}
