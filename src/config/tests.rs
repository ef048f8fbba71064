//! A flag wins over the file, the file over the default; a wrong file says what is wrong.

use super::*;
use crate::telemetry::Protocol;

fn read(text: &str, flags: Flags) -> Result<Config, Error> {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("faremeter.toml");
    std::fs::write(&file, text).expect("written");
    Config::read(&Flags { config: Some(file), ..flags })
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let text = "region = \"eu-west-1\"\naccount = \"a\"\n[store]\ncommit_interval = \"1m30s\"\nbuffer_mb = 64\n";
    let flags = Flags { account: Some("b".to_owned()), ..Flags::default() };
    let config = read(text, flags).expect("right");
    assert_eq!((config.trigger.region.as_str(), config.trigger.account.as_str()), ("eu-west-1", "b"));
    assert_eq!(config.store.commit_interval, Duration::from_secs(90));
    assert_eq!(config.store.buffer_bytes, 64 << 20);
    assert_eq!(config.data, Path::new(DEFAULT_DATA));
}

#[test]
fn the_file_says_how_long_rows_are_kept_and_how_much_room_they_may_take() {
    let text = "[store]\ndisk_limit_mb = 500\nmin_free_mb = 0\n[retention]\ninvocations = \"800d\"\nlogs = \"2w\"\n";
    let store = read(text, Flags::default()).expect("right").store;
    let days = store::Retention { invocations: 800, spans: 30, logs: 14, metrics: 90 };
    assert_eq!((store.retention, store.disk_limit_bytes, store.min_free_bytes), (days, Some(500 << 20), 0));
}

#[test]
fn a_tenant_has_a_retention_of_its_own_where_the_file_says_so() {
    let text =
        "[retention]\nlogs = \"2w\"\n[tenants.shop.retention]\nspans = \"3d\"\n[tenants.other]\nconcurrency = 5\n";
    let store = read(text, Flags::default()).expect("right").store;
    let days = store::Retention { invocations: 400, spans: 3, logs: 14, metrics: 90 };
    assert_eq!(store.tenant_retention, [("shop".to_owned(), days)].into());
    let wrong = read("[tenants.shop.retention]\nspan = \"3d\"\n", Flags::default()).expect_err("wrong").to_string();
    assert!(wrong.contains("span"), "{wrong}");
}

#[test]
fn the_file_says_where_telemetry_is_sent_on() {
    let text = "[forward]\nendpoint = \"https://collector.example:4317/\"\nprotocol = \"grpc\"\nfunctions = true\n\
                headers = { \"x-key\" = \"k\" }\n";
    let forward = read(text, Flags::default()).expect("right").forward;
    let otlp = forward.otlp.expect("it is named");
    assert_eq!((otlp.endpoint.as_str(), otlp.protocol), ("https://collector.example:4317", Protocol::Grpc));
    assert_eq!((otlp.headers, forward.own, forward.functions), ([("x-key".into(), "k".into())].into(), true, true));
    let flags = Flags { forward: Otlp::at("http://127.0.0.1:4318").ok(), ..Flags::default() };
    let otlp = read(text, flags).expect("right").forward.otlp.expect("it is named");
    assert_eq!((otlp.endpoint.as_str(), otlp.protocol), ("http://127.0.0.1:4318", Protocol::Http));
    let refuse = |text| read(text, Flags::default()).expect_err("wrong").to_string();
    assert!(refuse("[forward]\nendpoint = \"collector:4318\"").contains("'collector:4318' is not a URL"));
    assert!(refuse("[forward]\nprotocol = \"udp\"").contains("'udp' is not an OTLP protocol"));
}

#[test]
fn dashboards_are_named_by_the_file_or_the_flag() {
    let text = "[web]\ndashboards = \"boards\"\n";
    let config = read(text, Flags::default()).expect("right");
    assert_eq!(config.web.dashboards.as_deref(), Some(Path::new("boards")));
    let flags = Flags { dashboards: Some("others".into()), ..Flags::default() };
    assert_eq!(read(text, flags).expect("right").web.dashboards.as_deref(), Some(Path::new("others")));
    assert_eq!(read("", Flags::default()).expect("right").web.dashboards, None);
}

#[test]
fn a_wrong_file_says_what_is_wrong() {
    let refuse = |text| read(text, Flags::default()).expect_err("wrong").to_string();
    assert!(refuse("regoin = \"x\"").contains("regoin"));
    assert!(refuse("[store]\ncommit_interval = \"10\"").contains("'10' is not a length of time"));
    assert!(refuse("[store]\nwal_sync = \"never\"").contains("never"));
    for wrong in ["36h", "0d", "30", "-1d"] {
        let text = format!("[retention]\nspans = \"{wrong}\"");
        assert!(read(&text, Flags::default()).expect_err("wrong").to_string().contains(wrong));
    }
    let missing = Flags { config: Some("no/such.toml".into()), ..Flags::default() };
    assert!(Config::read(&missing).expect_err("absent").to_string().contains("no/such.toml"));
}

#[test]
fn more_calls_at_once_have_more_room() {
    let config = read("", Flags::default()).expect("right");
    assert_eq!((config.store.buffer_bytes, config.web.max_connections), (512 << 20, 2_048));
    let config = read("[runtime]\naccount_concurrency = 5000\nlog_kb = 128\n", Flags::default()).expect("right");
    assert_eq!(config.store.buffer_bytes, 5_600 * (192 << 10));
    assert_eq!((config.web.max_connections, config.web.max_requests), (5_600, 5_600));
    let config = read("[runtime]\naccount_concurrency = 5000\n[store]\nbuffer_mb = 8\n", Flags::default());
    assert_eq!(config.expect("right").store.buffer_bytes, 8 << 20, "what the file says");
}

#[test]
fn tenants_and_rates_have_their_limits() {
    let text = "[runtime]\naccount_rate_per_s = 500\ntenant_concurrency = 20\n\
                [tenants.acme]\nconcurrency = 0\n[tenants.shop]\nrate_per_s = 7\n";
    let runtime = read(text, Flags::default()).expect("right").runtime;
    assert_eq!(runtime.account_rate_per_s, Some(500));
    assert_eq!(runtime.tenant, runtime::Quota { concurrency: Some(20), rate_per_s: None });
    assert_eq!(runtime.tenants["acme"], runtime::Quota { concurrency: Some(0), rate_per_s: None });
    assert_eq!(runtime.tenants["shop"], runtime::Quota { concurrency: None, rate_per_s: Some(7) });
    let none = read("", Flags::default()).expect("right").runtime;
    assert_eq!((none.tenant, none.tenants.len(), none.account_rate_per_s), (runtime::Quota::default(), 0, None));

    let refuse = |text| read(text, Flags::default()).expect_err("wrong").to_string();
    assert!(refuse("[tenants.acme]\nconcurency = 1").contains("concurency"));
    assert!(refuse("[tenants.\"a b\"]\nconcurrency = 1").contains("'a b' is not a tenant name"));
    assert!(refuse("[runtime]\ntenant_rate_per_s = 0").contains("0"));
}

#[test]
fn ports_of_otlp_are_addresses_or_off() {
    let config = read("otlp_grpc = \"off\"\notlp_http = \"127.0.0.1:5000\"\n", Flags::default()).expect("right");
    assert_eq!(config.web.otlp_grpc, web::Listen(None));
    assert_eq!(config.web.otlp_http.to_string(), "127.0.0.1:5000");
    let flags = Flags { otlp_http: Some(web::Listen(None)), ..Flags::default() };
    let config = read("otlp_http = \"127.0.0.1:5000\"\n", flags).expect("right");
    assert_eq!((config.web.otlp_grpc.to_string().as_str(), config.web.otlp_http.0), ("127.0.0.1:4317", None));
    let wrong = read("otlp_grpc = \"nowhere\"\n", Flags::default()).expect_err("no address");
    assert!(wrong.to_string().contains("'nowhere'"), "{wrong}");
}

#[test]
fn the_file_says_what_is_received_and_how_long_it_is_remembered() {
    let text = "[ingest]\nmax_body_mb = 8\nmax_held_mb = 100\ndedupe_window = \"1h\"\ndedupe_keys = 1000\n";
    let ingest = read(text, Flags::default()).expect("right").ingest;
    assert_eq!((ingest.max_body_bytes, ingest.max_held_bytes), (8 << 20, 100 << 20));
    assert_eq!((ingest.dedupe_window, ingest.dedupe_keys), (Duration::from_secs(3_600), 1_000));
}

#[test]
fn the_file_says_how_much_of_awss_logs_is_worked_on_at_once() {
    let text = "[ingest.aws_lambda]\nimports = 1\nimport_wait = \"5m\"\nimport_buffer_mb = 32\nrequests = 8\n\
                waiting = 0\nmax_request_mb = 6\n";
    let config = read(text, Flags::default()).expect("right").aws_lambda;
    assert_eq!(
        (config.imports, config.import_wait, config.import_buffer_bytes),
        (1, Duration::from_secs(300), 32 << 20)
    );
    assert_eq!((config.requests, config.waiting, config.max_request_bytes), (8, 0, 6 << 20));
    let wrong = read("[ingest.aws_lambda]\nimports = 0\n", Flags::default()).expect_err("nothing could be imported");
    assert!(wrong.to_string().contains("imports = 0"), "{wrong}");
}

#[test]
fn the_file_says_how_many_follow_log_records() {
    let web = read("[web]\nmax_tails = 40\ntail_rows = 100\n", Flags::default()).expect("right").web;
    assert_eq!((web.max_tails, web.tail_rows), (40, 100));
    assert!(read("[web]\ntail_rows = 0\n", Flags::default()).is_err());
}
