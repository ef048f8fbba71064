//! Imports of files of AWS Lambda's logs by the program itself: how much memory the largest moment took, by the file's size.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::program::run;
use crate::support::heading;

/// 2026-11-19T12:00:00Z, in ms.
const START_MS: u64 = 1_795_089_600_000;
/// Environments whose streams are in a file.
const STREAMS: u64 = 50;

/// Makes files of so many MiB, imports each into a folder of its own, and prints what the imports took.
pub(crate) fn measure(sizes: &[String]) {
    heading("files of AWS Lambda's logs, each imported into an empty folder by a process of its own");
    for size in sizes {
        let mib: u64 = size.parse().expect("a size is MiB, such as 1024");
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
        let file = folder.path().join("logs.json");
        let invocations = write(&file, mib << 20);
        let (data, file) = (folder.path().join("data"), file.to_str().expect("a path of ours is text"));
        let data = data.to_str().expect("a path of ours is text");
        let ran = run(&["import", "aws-lambda-logs", "--function", "shop", "--output", "json", "--data", data, file]);
        let answer: serde_json::Value =
            serde_json::from_str(&ran.said).unwrap_or_else(|error| panic!("{error}: {}", ran.said));
        let (took, all, anonymous) = (ran.took.as_secs_f64(), ran.peak_mib, ran.anonymous_mib);
        assert_eq!(answer[0]["stored"]["invocations"], invocations, "{answer}");
        println!(
            "  {mib:>6} MiB, {invocations:>8} invocations: {took:>6.1} s, {:>5.1} MiB/s, peak memory {all} MiB, of it {anonymous} MiB not of files",
            mib as f64 / took
        );
    }
}

/// Writes what `aws logs filter-log-events` prints, at least `bytes` of it; each invocation has three lines of its own. Returns
/// how many invocations there are.
fn write(path: &Path, bytes: u64) -> u64 {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("the folder can be written"));
    let (mut written, mut n) = (0, 0);
    while written < bytes {
        let (id, stream, at, ms) = (request_id(n), n % STREAMS, START_MS + n * 10, 3 + n % 200);
        let line = |of: u64| {
            format!(
                "2026-11-19T12:00:00.000Z\\t{id}\\tINFO\\thandled item {} of basket {} in {of} steps, with nothing further to say about it\\n",
                n * 7_919 % 1_000_003,
                n * 31 % 99_991
            )
        };
        let report = format!(
            "REPORT RequestId: {id}\\tDuration: {ms}.37 ms\\tBilled Duration: {} ms\\tMemory Size: 128 MB\\tMax Memory Used: {} MB\\t\\n",
            ms + 1,
            40 + n % 50
        );
        let begin = format!("START RequestId: {id} Version: $LATEST\\n");
        let messages = [begin, line(1), line(2), line(3), format!("END RequestId: {id}\\n"), report];
        for (of, message) in (0..).zip(messages) {
            let time = at + if of < 4 { of } else { ms };
            let text = format!(
                "{}{{\"logStreamName\":\"2026/11/19/[$LATEST]{stream:032x}\",\"timestamp\":{time},\"message\":\"{message}\",\"ingestionTime\":{},\"eventId\":\"{:056}\"}}",
                if written == 0 { "[" } else { ",\n" },
                at + 900,
                n * 6 + of
            );
            file.write_all(text.as_bytes()).expect("the disk has room");
            written += text.len() as u64;
        }
        n += 1;
    }
    file.write_all(b"]\n").and_then(|()| file.flush()).expect("the disk has room");
    n
}

fn request_id(n: u64) -> String {
    let bits = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = format!("{:016x}{bits:016x}", bits.rotate_left(29) ^ 0xd6e8_feb8_6659_fd93);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
