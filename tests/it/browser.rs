//! Every page in a real browser, on the demo's data: what people see, click and drag. Needs Debian's `chromium` and
//! `chromium-driver`; without them it says so and passes, except where `CI` is set.

mod clicks;
mod sight;
mod zones;

use std::io::Write;
use std::sync::Arc;

use serde_json::Value;

use crate::support::http::Request;
use crate::support::server::{Home, Server};
use crate::support::webdriver::Browser;
use crate::support::{repository, wait_until};

use sight::{PANELS, Sight};

/// Every page that has a place in the navigation, and some that are reached from them.
const PAGES: [&str; 16] = [
    "/",
    "/functions",
    "/functions/checkout",
    "/cold-starts",
    "/errors",
    "/throttles",
    "/costs?from=now-7d",
    "/traces",
    "/traces?outcome=failed&min_duration=1ms",
    "/logs",
    "/logs?severity=warn,error,fatal&live=1",
    "/reports",
    "/reports?kind=chargeback&by=tag:team",
    "/what-if?from=now-30d&fn=checkout&memory=512&show=all",
    "/sql",
    "/settings",
];
/// What the docs show: the file's name and the page.
const SCREENS: [(&str, &str); 14] = [
    ("overview", "/"),
    ("functions", "/functions"),
    ("function", "/functions/checkout"),
    ("cold-starts", "/cold-starts?from=now-7d"),
    ("errors", "/errors?from=now-7d"),
    ("throttles", "/throttles?from=now-7d"),
    ("costs", "/costs?from=now-30d"),
    ("invocations", "/invocations"),
    ("traces", "/traces?from=now-3h"),
    ("logs", "/logs?from=now-3h"),
    ("reports", "/reports"),
    ("what-if", "/what-if?from=now-30d&fn=checkout&memory=512&show=all"),
    ("sql", "/sql"),
    ("settings", "/settings"),
];
/// What a first visit may weigh, and each further page, in bytes as they were sent.
const FIRST_LOAD_BYTES: u64 = 500_000;
const NEXT_LOAD_BYTES: u64 = 150_000;

/// A browser, unless this machine has none and need not.
fn browser() -> Option<Browser> {
    browser_in("UTC")
}

/// The same in a time zone.
fn browser_in(zone: &str) -> Option<Browser> {
    match Browser::start_in(zone) {
        Ok(browser) => Some(browser),
        Err(reason) if std::env::var_os("CI").is_none() => {
            // Straight to standard error: the output of a test that passes is not shown.
            let note = format!("\nSKIPPED: the browser's tests need chromium and chromium-driver, and {reason}\n");
            std::io::stderr().write_all(note.as_bytes()).expect("standard error can be written");
            None
        }
        Err(reason) => panic!("the browser's tests must run where CI is set: {reason}"),
    }
}

/// A demo with a history, and calls that go on.
fn demo() -> (Arc<Home>, Server) {
    let home = Arc::new(Home::demo().arg("--history").arg("60k").arg("--load").arg("20"));
    let server = home.serve();
    wait_until("the demo is ready", || (server.get("/readyz").status == 200).then_some(()));
    (home, server)
}

#[test]
fn every_page_is_whole_in_light_dark_and_narrow() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    let mut faults = Vec::new();
    for (scheme, width) in [("light", 1_440), ("dark", 1_440), ("light", 400)] {
        browser.scheme(scheme);
        browser.size(width, 900);
        for page in PAGES {
            let seen = Sight::of(&browser, &server, page);
            faults.extend(seen.faults().into_iter().map(|fault| format!("{page} ({scheme}, {width} px): {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pages_are_light_and_ask_nobody_else() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    browser.network();
    for (page, limit) in PAGES.into_iter().zip([FIRST_LOAD_BYTES].into_iter().chain([NEXT_LOAD_BYTES; 20])) {
        Sight::of(&browser, &server, page);
        let (bytes, urls) = browser.network();
        assert!(bytes <= limit, "{page} took {bytes} bytes, more than {limit}");
        let own = format!("http://{}/", server.address);
        let others: Vec<&String> =
            urls.iter().filter(|url| !url.starts_with(&own) && !url.starts_with("data:")).collect();
        assert!(others.is_empty(), "{page} asked {others:?}");
    }
}

#[test]
fn two_clicks_lead_from_a_tile_to_a_record() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    Sight::of(&browser, &server, "/?from=now-7d");
    browser.click("section.StatChart h2 a[href*='/errors']");
    Sight::wait(&browser);
    assert!(browser.url().contains("/errors?") && browser.url().contains("from=now-7d"), "{}", browser.url());
    browser.click("section.Table a[href^='/functions/']");
    Sight::wait(&browser);
    assert!(browser.url().contains("/functions/") && browser.url().contains("from=now-7d"), "{}", browser.url());
    browser.click("section.Table a[href^='/invocations/']");
    Sight::wait(&browser);
    let text = browser.run("return document.querySelector('main').innerText");
    let text = text.as_str().expect("text");
    for part in ["handler", "USD", "trace"] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part} is not in {text}");
    }
}

#[test]
fn a_shared_address_shows_the_same() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    Sight::of(&browser, &server, "/functions/checkout");
    // A drag over a chart zooms, and the address says so.
    let place = browser.run(
        "const box = document.querySelector('section.TimeSeriesChart canvas').getBoundingClientRect();
         return [box.left, box.top, box.width, box.height]",
    );
    let [x, y, width, height] = [0, 1, 2, 3].map(|index| place[index].as_f64().expect("a number"));
    let at = |share: f64| ((x + width * share) as i64, (y + height * 0.5) as i64);
    browser.drag(&[at(0.4), at(0.5), at(0.7)]);
    wait_until("the address has the zoomed range", || {
        let url = browser.url();
        (url.contains("from=") && !url.contains("from=now")).then_some(())
    });
    Sight::wait(&browser);
    let (url, shown) = (browser.url(), browser.run(PANELS));
    let (_, path) = url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).expect("a path");
    let again = Sight::of(&browser, &server, &format!("/{path}"));
    assert_eq!(again.faults(), Vec::<String>::new());
    assert_eq!(browser.run(PANELS), shown, "who opens the address sees what its sender saw");
    // Back is where we came from.
    browser.run("history.back()");
    browser.run("history.back()");
    wait_until("back leads to the range before", || (!browser.url().contains("from=1")).then_some(()));
}

/// From a chart to the traces of a bucket, to one of them, to its logs, to the invocation, to the function.
#[test]
fn every_record_leads_to_the_next() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    Sight::of(&browser, &server, "/functions/checkout?from=now-12h");
    browser.run(
        "const at = document.querySelector('section.TimeSeriesChart .stage'); at.focus();
        for (const key of ['End', 'Enter']) at.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))",
    );
    wait_until("a click on a chart leads to traces", || browser.url().contains("/traces?").then_some(()));
    assert!(browser.url().contains("fn=checkout") && !browser.url().contains("from=now"), "{}", browser.url());
    let steps = [
        ("/traces?fn=checkout&from=now-24h", "tbody a[href^='/traces/']", "/traces/"),
        ("", ".actions a[href^='/logs?']", "/logs?trace_id="),
        ("", "#records summary", ""),
        ("", "#records a[href^='/invocations/']", "/invocations/"),
        ("", "h2 a[href^='/functions/']", "/functions/checkout"),
        ("", ".jumps a[href^='/logs']", "/logs?fn=checkout"),
        ("", "#records summary", ""),
        ("", "#records a[href^='/traces/']", "/traces/"),
    ];
    for (path, click, leads) in steps {
        if !path.is_empty() {
            Sight::of(&browser, &server, path);
        }
        Sight::wait(&browser);
        browser.click(click);
        wait_until(leads, || browser.url().contains(leads).then_some(()));
    }
    Sight::wait(&browser);
    let side = browser.run("return document.getElementById('side').innerText");
    assert!(side.as_str().is_some_and(|text| text.contains("Own time")), "the record's span is chosen: {side}");
}

/// A trace of ten thousand spans: few rows are in the page, and keys are answered at once.
#[test]
fn ten_thousand_spans_stay_usable() {
    let Some(browser) = browser() else { return };
    let server = Server::shared();
    server.deploy("many-spans", &crate::support::guest("ok.wat"), &[]);
    let trace = "1234567890abcdef1234567890abcdef";
    let header = format!("00-{trace}-00f067aa0ba902b7-01");
    let count = || {
        let found = server.sql(&format!("SELECT count(*) AS n FROM spans WHERE trace_id = '{trace}'"));
        found[0].int("n")
    };
    let request = Request::post("/fn/many-spans", "x").header("traceparent", &header);
    while count() < 10_000 {
        for _ in 0..250 {
            assert_eq!(server.send(&request).status, 200);
        }
    }
    browser.size(1_440, 900);
    let seen = Sight::of(&browser, &server, &format!("/traces/{trace}"));
    assert_eq!(seen.faults(), Vec::<String>::new());
    let rows = |browser: &Browser| browser.run("return document.querySelectorAll('.fall').length").as_i64();
    assert!(rows(&browser).is_some_and(|rows| (10..120).contains(&rows)), "{:?}", rows(&browser));
    let took = browser.run(
        "const falls = document.getElementById('falls'); const times = [];
         for (const key of ['End', 'ArrowUp', 'PageUp', 'ArrowLeft', 'Home', 'PageDown']) {
             const began = performance.now();
             falls.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
             times.push(performance.now() - began);
         }
         document.getElementById('collapse').click();
         return [Math.max(...times), document.querySelectorAll('.fall').length]",
    );
    assert!(took[0].as_f64().is_some_and(|ms| ms < 250.0), "the slowest key took {took} ms");
    println!("the slowest key took {took} ms, rows beside it");
}

#[test]
fn the_keyboard_is_enough() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    Sight::of(&browser, &server, "/");
    browser.run("document.body.tabIndex = -1; document.body.focus()");
    let mut reached = Vec::new();
    for _ in 0..80 {
        browser.key("\u{e004}");
        let label = browser.run(
            "const at = document.activeElement;
             return [at.tagName, (at.getAttribute('aria-label') || at.innerText || at.name || '').trim(),
                     getComputedStyle(at).outlineStyle]",
        );
        reached.push(label);
    }
    let has = |text: &str| reached.iter().any(|at| at[1].as_str().is_some_and(|label| label.contains(text)));
    for wanted in ["Skip to content", "Cold starts", "Theme", "Last 24 h"] {
        assert!(has(wanted), "Tab does not reach '{wanted}': {reached:?}");
    }
    let hidden: Vec<&Value> = reached.iter().filter(|at| at[0] == "A" && at[2] == "none").collect();
    assert!(hidden.is_empty(), "the focus is to be seen: {hidden:?}");
}

/// Not a test: writes docs/screens/ anew, for people to look at (`cargo test --test it -- --ignored screens`).
#[test]
#[ignore = "writes docs/screens"]
fn the_screens_of_the_docs() {
    let browser = Browser::start().expect("chromium and chromium-driver are installed");
    let home = Arc::new(Home::demo().arg("--load").arg("5"));
    let server = home.serve();
    wait_until("the demo is ready", || (server.get("/readyz").status == 200).then_some(()));
    let folder = repository().join("docs/screens");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let id = server.text("SELECT max(invocation_id) AS id FROM invocations WHERE cold AND outcome = 'ok'", "id");
    let invocation = format!("/invocations/{id}");
    let trace = server.text(
        "SELECT trace_id FROM spans GROUP BY trace_id ORDER BY count(DISTINCT function) DESC, count(*) DESC LIMIT 1",
        "trace_id",
    );
    let root = server.text(&format!("SELECT min(span_id) AS id FROM invocations WHERE trace_id = '{trace}'"), "id");
    let trace = format!("/traces/{trace}?logs=1&span={root}");
    let of_one = [("invocation", invocation.as_str()), ("trace", trace.as_str())];
    for (name, path) in SCREENS.into_iter().chain(of_one) {
        for (look, scheme, width) in [("light", "light", 1_440), ("dark", "dark", 1_440), ("narrow", "light", 400)] {
            browser.scheme(scheme);
            browser.size(width, 900);
            let seen = Sight::of(&browser, &server, path);
            assert_eq!(seen.faults(), Vec::<String>::new(), "{path} ({look})");
            std::thread::sleep(std::time::Duration::from_millis(700));
            let image = browser.screenshot(width, 2_400);
            std::fs::write(folder.join(format!("{name}-{look}.webp")), image).expect("written");
        }
    }
}
