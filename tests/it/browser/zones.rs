//! Times in the browser's zone: every page writes them in it where the address says so, before anything is drawn.

use super::sight::Sight;
use super::{browser_in, demo};
use crate::support::wait_until;

/// A zone whose offset, 9 h 30 min behind UTC, nothing else has.
const ZONE: &str = "Pacific/Marquesas";

/// Times of the page that are not what the browser itself says of their instants.
const WRONG: &str = "
    const parts = { full: [0, 19], minute: [0, 16], date: [0, 10], clock: [11, 19] };
    return [...document.querySelectorAll('time[data-part]')].map((element) => {
        const at = new Date(element.dateTime).toLocaleString('sv-SE', { timeZone: 'ZONE' });
        const expected = at.slice(...parts[element.dataset.part]);
        const seen = element.textContent.slice(0, expected.length);
        return seen === expected ? null : `${element.dateTime} is ${element.textContent}, not ${expected}`;
    }).filter(Boolean)";

#[test]
fn times_follow_the_zone_of_the_address() {
    let Some(browser) = browser_in(ZONE) else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    let id = server.text("SELECT max(invocation_id) AS id FROM invocations", "id");
    let trace = server.text("SELECT max(trace_id) AS id FROM invocations", "id");
    let pages = [
        "/functions?".to_owned(),
        "/invocations?".to_owned(),
        format!("/invocations/{id}?"),
        "/traces?from=now-3h&".to_owned(),
        format!("/traces/{trace}?"),
        "/logs?from=now-3h&".to_owned(),
        "/settings?".to_owned(),
        "/costs?from=now-7d&".to_owned(),
    ];
    for page in &pages {
        for (tz, zone) in [("local", ZONE), ("UTC", "UTC")] {
            let seen = Sight::of(&browser, &server, &format!("{page}tz={tz}"));
            assert_eq!(seen.faults(), Vec::<String>::new(), "{page}{tz}");
            let wrong = browser.run(&WRONG.replace("ZONE", zone));
            assert_eq!(wrong, serde_json::json!([]), "{page}{tz}");
            let said = browser.run("return [...document.querySelectorAll('.zone')].map((zone) => zone.textContent)");
            let said = said.as_array().expect("a list");
            assert!(said.iter().all(|text| text == zone), "{page}{tz}: {said:?}");
            let lists = ["/invocations", "/traces", "/logs", "/functions"];
            assert!(!said.is_empty() || !lists.iter().any(|list| page.starts_with(list)), "{page} says no zone");
        }
    }
}

/// Records that a script brings are written like those of the page, links keep the zone, and pointing shows both.
#[test]
fn what_scripts_bring_follows_the_zone_too() {
    let Some(browser) = browser_in(ZONE) else { return };
    let (_home, server) = demo();
    browser.size(1_440, 900);
    Sight::of(&browser, &server, "/logs?from=now-3h&tz=local&live=1");
    wait_until("records arrive", || {
        let count = browser.run("return document.querySelectorAll('#fresh time').length").as_i64();
        count.is_some_and(|count| count > 0).then_some(())
    });
    assert_eq!(browser.run(&WRONG.replace("ZONE", ZONE)), serde_json::json!([]));
    let place = browser.run(
        "const box = document.querySelector('#records time').getBoundingClientRect(); return [box.x + 4, box.y + 4]",
    );
    let [x, y] = [0, 1].map(|index| place[index].as_f64().expect("a number") as i64);
    browser.point((x, y));
    let title = browser.run("return document.querySelector('#records time').title");
    let title = title.as_str().expect("text");
    assert!(title.contains(" UTC\n") && title.ends_with(ZONE), "{title}");
    for (click, leads) in [
        ("#records summary", "/logs?"),
        ("#records a[href^='/traces/']", "/traces/"),
        ("#side a[href^='/invocations/']", "/invocations/"),
        (".actions a[href^='/logs']", "/logs?"),
        ("nav a[href^='/invocations']", "/invocations?"),
        ("tbody a[href^='/invocations/']", "/invocations/"),
        ("h2 a[href^='/functions/']", "/functions/"),
    ] {
        browser.click(click);
        wait_until(leads, || browser.url().contains(leads).then_some(()));
        Sight::wait(&browser);
        assert!(browser.url().contains("tz=local"), "{click} led to {}", browser.url());
    }
    let label = browser.run("return document.querySelector('.stage').getAttribute('aria-label')");
    assert!(label.as_str().is_some_and(|text| text.contains(" to ")), "{label}");
}
