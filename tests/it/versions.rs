//! Versions, as an operator goes along them: deploy, look, call an older one, go back, go on; and the count of
//! instructions, which is the same for each call.

use std::sync::Arc;

use serde_json::Value;

use crate::support::http::Request;
use crate::support::server::{Home, Server};
use crate::support::{guest, probe};

fn version_of(server: &Server, target: &str) -> String {
    let answer = server.send(&Request::post(target, "x"));
    assert_eq!(answer.status, 200, "{answer:?}");
    server.record(answer.invocation_id()).text("version").to_owned()
}

#[test]
fn each_version_is_called_and_gone_back_to() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    for memory in ["64", "65", "66"] {
        server.deploy("f", &guest("ok.wat"), &["--memory-mb", memory]);
    }
    server.cli(&["deploy", "f", &guest("nostart.wat")]).failed(1);
    for version in ["1", "2", "3"] {
        assert_eq!(version_of(&server, &format!("/fn/f@{version}/x")), version);
        let called = server.cli(&["invoke", "f", "--payload", "tea", "--version", version]);
        assert_eq!((called.code, called.stdout.as_str()), (0, "tea"), "{called:?}");
    }
    let sql = "SELECT CAST(count(DISTINCT memory_mb) AS BIGINT) AS n FROM invocations WHERE memory_mb = 63 + CAST(version AS INT)";
    assert_eq!(server.count(sql), 3, "each ran as it was deployed");
    assert_eq!(version_of(&server, "/fn/f"), "3");

    assert_eq!(server.cli(&["rollback", "f"]).ok().trim_end(), "f runs version 2 now");
    assert_eq!(server.cli(&["rollback", "f"]).ok().trim_end(), "f runs version 1 now");
    let none = server.cli(&["rollback", "f"]);
    assert!(none.failed(1).contains("no version before"), "{none:?}");
    assert!(server.stop().success());

    let server = home.serve();
    assert_eq!((version_of(&server, "/fn/f"), version_of(&server, "/fn/f@3")), ("1".to_owned(), "3".to_owned()));
    server.cli(&["rollback", "f", "--to", "2"]).ok();
    assert_eq!(version_of(&server, "/fn/f"), "2");
    check_lists(&server);
    server.deploy("f", &guest("ok.wat"), &[]);
    assert_eq!(version_of(&server, "/fn/f"), "4", "a later deployment moves on");

    for (args, part) in [
        (&["rollback", "f", "--to", "9"][..], "version 9"),
        (&["invoke", "f", "--version", "9"], "version 9"),
        (&["rollback", "g"], "'g'"),
        (&["versions", "g"], "'g'"),
    ] {
        let refused = server.cli(args);
        assert!(refused.failed(1).contains(part), "{args:?}: {refused:?}");
    }
    server.cli(&["remove", "f"]).ok();
    server.get("/fn/f@1").problem(404);
    server.invoke("f", "x").problem(404);
    assert!(server.stop().success());
}

fn check_lists(server: &Server) {
    let csv = server.cli(&["versions", "f", "--output", "csv"]).ok();
    let lines: Vec<&str> = csv.lines().map(str::trim_end).collect();
    assert!(lines[0].starts_with("version,state,active,"), "{csv}");
    let starts = ["3,active,false,", "2,active,true,", "1,active,false,"];
    assert!(lines.len() == 4 && starts.iter().zip(&lines[1..]).all(|(start, line)| line.starts_with(start)), "{csv}");
    let json: Value = serde_json::from_str(&server.cli(&["functions", "--output", "json"]).ok()).expect("JSON");
    assert_eq!((&json[0]["version"], &json[0]["active_version"]), (&3.into(), &2.into()));
    let table = server.cli(&["versions", "f"]).ok();
    assert!(table.contains("active") && table.contains("sha256"), "{table}");
}

#[test]
fn instructions_are_on_the_record_where_they_are_asked_for() {
    let server = Server::shared();
    server.deploy("versions-fuel", &guest("hog.wat"), &["--fuel", "--timeout", "30s"]);
    server.deploy("versions-fuel-probe", &probe(), &["--fuel", "--timeout", "30s"]);
    server.deploy("versions-plain", &guest("hog.wat"), &["--timeout", "30s"]);
    let row = |name: &str| server.record(server.invoke(name, "500").invocation_id());
    let first = row("versions-fuel").int("fuel");
    assert!(first > 500_000, "{first}");
    for _ in 0..3 {
        assert_eq!(row("versions-fuel").int("fuel"), first);
    }
    assert!(row("versions-plain").is_null("fuel"));
    let fuel = |_| server.record(server.get("/fn/versions-fuel-probe/hog?steps=1000").invocation_id()).int("fuel");
    let warm: Vec<i64> = (0..4).map(fuel).collect();
    assert!(warm[1..].iter().all(|fuel| *fuel == warm[1]), "{warm:?}");
}
